import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { SessionReply, Site } from '@tasklane/protocol'
import { CircleCheck, CloudOff, TriangleAlert } from 'lucide-react'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { ApiError, forgetAll, isUnreachable, send } from '../api/http.ts'
import { siteQuery } from '../api/queries.ts'
import { Button } from '../parts/basic.tsx'
import { PasswordField, TextField } from '../parts/fields.tsx'
import { submitDrawer } from '../submit/drafts.ts'
import { EnvironmentBadge } from './environment.tsx'
import { FirstStart } from './first-start.tsx'
import { askAgainLater } from './later.ts'
import { Logo } from './logo.tsx'
import { useSecondsUntil } from './seconds-until.ts'

/**
 * Stands in the place of the page that was asked for, under its address: after the login that page is there, and nothing
 * has to remember where to go back to.
 */
export function Login({ site }: { readonly site: Site | undefined }) {
  const client = useQueryClient()
  const firstStart = site === undefined || site.first_start === 'none' ? null : site.first_start
  useEffect(() => {
    document.title = `Log in · Tasklane${site?.environment == null ? '' : ` (${site.environment})`}`
  }, [site])
  const enter = async () => {
    forgetAll()
    await client.resetQueries()
  }
  return (
    <main className="login">
      <div className="login-card">
        <LoginHead title="Log in to Tasklane" />
        {firstStart === null ? null : <FirstStart kind={firstStart} />}
        <LoginForm name={firstStart === null ? '' : 'admin'} onDone={enter} />
        {firstStart === null ? (
          <p className="faint login-note">A password that was lost is replaced by an administrator.</p>
        ) : null}
      </div>
    </main>
  )
}

/**
 * The session ended while a page was open: the login stands above it, and what was typed there is still there when the
 * same person comes back. It covers all of the page, which is nobody's just now.
 */
export function LoginAgain({ name }: { readonly name: string }) {
  const client = useQueryClient()
  const place = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const dialog = place.current
    dialog?.showModal()
    dialog?.querySelector<HTMLElement>('input[type=password]')?.focus()
    // There is nothing behind it that may be seen; a browser lets a second Escape through, whatever `cancel` was told.
    const holdOpen = (event: KeyboardEvent) => (event.key === 'Escape' ? event.preventDefault() : undefined)
    window.addEventListener('keydown', holdOpen, true)
    return () => {
      window.removeEventListener('keydown', holdOpen, true)
      dialog?.close()
    }
  }, [])
  const enter = async (who: string) => {
    if (who === name) {
      await client.invalidateQueries()
      return
    }
    // Somebody else begins anew, at the same address.
    submitDrawer.set(null)
    forgetAll()
    await client.resetQueries()
  }
  return (
    <dialog
      ref={place}
      className="login login-again"
      aria-label="Log in again"
      onCancel={event => event.preventDefault()}
      // A phone has other ways to close what is open.
      onClose={() => place.current?.showModal()}
    >
      <div className="login-card">
        <LoginHead title="Your session has ended" />
        <p className="login-note">
          Log in again as <strong>{name}</strong> to go on where you were; nothing that you typed is lost.
        </p>
        <LoginForm name={name} onDone={enter} />
      </div>
    </dialog>
  )
}

function LoginHead({ title }: { readonly title: string }) {
  return (
    <>
      <div className="login-head">
        <Logo />
        <EnvironmentBadge />
      </div>
      <h1>{title}</h1>
    </>
  )
}

type Fault =
  | { readonly kind: 'refused' | 'away' | 'back' }
  | { readonly kind: 'wait'; readonly untilMs: number }
  | { readonly kind: 'other'; readonly text: string }

interface LoginFormProps {
  readonly name: string
  readonly onDone: (name: string) => Promise<void>
}

function LoginForm({ name: firstName, onDone }: LoginFormProps) {
  const [name, setName] = useState(firstName)
  const [password, setPassword] = useState('')
  const [fault, setFault] = useState<Fault | null>(null)
  const [isBusy, setBusy] = useState(false)
  const passwordField = useRef<HTMLInputElement>(null)
  const waitSeconds = useSecondsUntil(fault?.kind === 'wait' ? fault.untilMs : null)
  useReturn(fault?.kind === 'away', () => setFault({ kind: 'back' }))

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setFault(null)
    try {
      const reply = await send<SessionReply>('POST', 'api/session', { username: name, password })
      askAgainLater()
      await onDone(reply.name)
    } catch (error) {
      setFault(faultOf(error))
      passwordField.current?.select()
    } finally {
      setBusy(false)
    }
  }
  return (
    <form className="stack" onSubmit={event => void submit(event)}>
      <FaultLine fault={fault} waitSeconds={waitSeconds} />
      <TextField
        label="User name"
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        required
        autoFocus={firstName === ''}
        value={name}
        onValue={setName}
      />
      <PasswordField
        label="Password"
        name="password"
        autoComplete="current-password"
        autoFocus={firstName !== ''}
        ref={passwordField}
        value={password}
        onValue={setPassword}
      />
      <Button look="primary" type="submit" disabled={isBusy || waitSeconds > 0} className="wide">
        {isBusy ? 'Logging in…' : waitSeconds > 0 ? `Wait ${waitSeconds} s` : 'Log in'}
      </Button>
    </form>
  )
}

/** Each way to fail in words of its own: what is wrong, and whether it is the person's to mend. */
function FaultLine({ fault, waitSeconds }: { readonly fault: Fault | null; readonly waitSeconds: number }) {
  if (fault === null) return null
  if (fault.kind === 'back' || (fault.kind === 'wait' && waitSeconds === 0)) {
    return (
      <p className="login-good" role="status">
        <CircleCheck size={15} aria-hidden="true" />
        {fault.kind === 'back' ? 'The scheduler answers again.' : 'You can try again now.'}
      </p>
    )
  }
  const Icon = fault.kind === 'away' ? CloudOff : TriangleAlert
  return (
    <p className="fault" role="alert">
      <Icon size={15} aria-hidden="true" />
      <span>
        {textOf(fault)}
        {/* Read out once by the sentence, not every second. */}
        {fault.kind === 'wait' ? <span aria-hidden="true"> {waitSeconds} s left.</span> : null}
      </span>
    </p>
  )
}

function textOf(fault: Fault): string {
  switch (fault.kind) {
    case 'refused':
      return 'The user name or the password is wrong, or the user is disabled.'
    case 'wait':
      return 'Too many logins have failed from here; your password may well be right. Wait, and try again.'
    case 'away':
      return 'The scheduler cannot be reached. What you typed stays; this page says when it is back.'
    case 'back':
      return ''
    case 'other':
      return fault.text
  }
}

function faultOf(error: unknown): Fault {
  if (isUnreachable(error)) return { kind: 'away' }
  if (!(error instanceof ApiError))
    return { kind: 'other', text: error instanceof Error ? error.message : String(error) }
  if (error.status === 401) return { kind: 'refused' }
  if (error.status === 429) return { kind: 'wait', untilMs: Date.now() + (error.retryAfterSeconds ?? 5) * 1_000 }
  return { kind: 'other', text: error.message }
}

/** Looks whether the scheduler is back, as long as it is away. */
function useReturn(isAway: boolean, onBack: () => void): void {
  const { isSuccess, dataUpdatedAt } = useQuery({
    ...siteQuery,
    queryKey: ['site', 'away'],
    enabled: isAway,
    staleTime: 0,
    gcTime: 0,
    refetchInterval: 2_000,
  })
  const act = useRef(onBack)
  act.current = onBack
  useEffect(() => {
    if (isAway && isSuccess && dataUpdatedAt > 0) act.current()
  }, [isAway, isSuccess, dataUpdatedAt])
}
