import { useQueryClient } from '@tanstack/react-query'
import { TriangleAlert } from 'lucide-react'
import { type FormEvent, useEffect, useState } from 'react'
import { type Faults, faultsOf, noFaults } from '../api/faults.ts'
import { forgetAll, send } from '../api/http.ts'
import { Button } from '../parts/basic.tsx'
import { PasswordField, SaidFaults, TextField } from '../parts/fields.tsx'
import { EnvironmentBadge } from './environment.tsx'
import { putOff } from './later.ts'
import { Logo } from './logo.tsx'
import { toast } from './toasts.tsx'

/** Before any page, for whoever came in by the printed password: it stands in a terminal or a log, and is to open nothing. */
export function FirstAdmin() {
  const client = useQueryClient()
  useEffect(() => {
    document.title = 'First admin · Tasklane'
  }, [])
  const enter = async (name: string) => {
    forgetAll()
    await client.resetQueries()
    toast('good', `Welcome, ${name}. The printed password opens nothing any more.`)
  }
  return (
    <main className="login">
      <div className="login-card">
        <div className="login-head">
          <Logo />
          <EnvironmentBadge />
        </div>
        <h1>Make it yours</h1>
        <p className="login-note">
          You came in with the password that the scheduler printed at its first start. It stands in a terminal or a log,
          where others may read it: choose a name and a password of your own in its place. You stay admin.
        </p>
        <FirstAdminForm onDone={enter} />
        <Button look="ghost" className="wide" onClick={putOff}>
          Not now; ask me at the next login
        </Button>
      </div>
    </main>
  )
}

/** A user of one's own in the place of the first. */
export function FirstAdminForm({ onDone }: { readonly onDone: (name: string) => Promise<void> }) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  const [faults, setFaults] = useState<Faults>(noFaults)
  const [isBusy, setBusy] = useState(false)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (password !== again) {
      setFaults({ of: { again: 'The two passwords differ.' }, rest: null })
      return
    }
    setBusy(true)
    setFaults(noFaults)
    try {
      await send('POST', 'api/first-admin', { name, password })
      await onDone(name)
    } catch (error) {
      setFaults(faultsOf(error, ['name', 'password']))
    } finally {
      setBusy(false)
    }
  }
  return (
    <form className="stack" onSubmit={event => void submit(event)}>
      {faults.rest === null ? null : (
        <p className="fault" role="alert">
          <TriangleAlert size={15} aria-hidden="true" /> {faults.rest}
        </p>
      )}
      <SaidFaults value={faults}>
        <TextField
          label="Your user name"
          autoComplete="username"
          autoCapitalize="none"
          required
          autoFocus
          value={name}
          onValue={setName}
          hint={
            <>
              Your user is admin; <code>admin</code> itself is disabled, unless you keep that name
            </>
          }
          fault={faults.of.name}
        />
        <PasswordField
          label="Your password"
          autoComplete="new-password"
          value={password}
          onValue={setPassword}
          hint="8 characters or more"
          fault={faults.of.password}
        />
        <PasswordField
          label="Your password again"
          autoComplete="new-password"
          value={again}
          onValue={setAgain}
          fault={faults.of.again}
        />
      </SaidFaults>
      <Button look="primary" type="submit" className="wide" disabled={isBusy}>
        {isBusy ? 'Working…' : 'Set up'}
      </Button>
    </form>
  )
}
