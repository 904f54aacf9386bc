import { useQueryClient } from '@tanstack/react-query'
import { Eye, EyeOff, TriangleAlert } from 'lucide-react'
import { type FormEvent, type KeyboardEvent, useState } from 'react'
import { ApiError, forgetAll, isUnreachable, send } from '../api/http.ts'
import { Button } from '../parts/basic.tsx'
import { Logo } from './logo.tsx'

/**
 * Stands in the place of the page that was asked for, under its address: after the login that page is there, and nothing
 * has to remember where to go back to.
 */
export function Login() {
  const client = useQueryClient()
  const [fault, setFault] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const [isShown, setShown] = useState(false)
  const [isCapsOn, setCapsOn] = useState(false)

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    setBusy(true)
    setFault(null)
    try {
      await send('POST', 'api/session', { username: form.get('username'), password: form.get('password') })
      forgetAll()
      await client.resetQueries()
    } catch (error) {
      setFault(faultOf(error))
      setBusy(false)
    }
  }
  const seeCaps = (event: KeyboardEvent) => setCapsOn(event.getModifierState('CapsLock'))

  return (
    <main className="login">
      <form className="login-card" onSubmit={event => void submit(event)}>
        <Logo />
        <h1>Log in to Tasklane</h1>
        {fault === null ? null : (
          <p className="fault" role="alert">
            <TriangleAlert size={15} aria-hidden="true" /> {fault}
          </p>
        )}
        <label className="field">
          <span>User name</span>
          {/* biome-ignore lint/a11y/noAutofocus: the one thing to do on this page */}
          <input name="username" autoComplete="username" required autoFocus spellCheck={false} />
        </label>
        <div className="field">
          <label htmlFor="password">Password</label>
          <div className="input-with-button">
            <input
              id="password"
              name="password"
              type={isShown ? 'text' : 'password'}
              autoComplete="current-password"
              required
              onKeyUp={seeCaps}
            />
            <Button
              look="ghost"
              icon={isShown ? EyeOff : Eye}
              label={isShown ? 'Hide the password' : 'Show the password'}
              onClick={() => setShown(!isShown)}
            />
          </div>
          {isCapsOn ? <small className="hint">Caps Lock is on.</small> : null}
        </div>
        <Button look="primary" type="submit" disabled={isBusy} className="wide">
          {isBusy ? 'Logging in…' : 'Log in'}
        </Button>
        <p className="faint login-note">
          The first start of a scheduler prints the password of its user <code>admin</code> to its terminal.
        </p>
      </form>
    </main>
  )
}

function faultOf(error: unknown): string {
  if (isUnreachable(error)) return 'The scheduler cannot be reached. Is it running?'
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error)
  if (error.status === 401) return 'The user name or the password is wrong.'
  if (error.status === 429) {
    const wait = error.retryAfterSeconds
    return `Too many tries. ${wait === null ? 'Wait a little' : `Wait ${wait} s`} and try again.`
  }
  return error.message
}
