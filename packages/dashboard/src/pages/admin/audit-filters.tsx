import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useId, useState } from 'react'
import { tokensQuery, usersQuery } from '../../api/queries.ts'
import { Button } from '../../parts/basic.tsx'
import { TextField } from '../../parts/fields.tsx'
import { type AdminSearch, isFiltered, lastSpans } from './search.ts'

const actions: readonly (readonly [group: string, names: readonly string[]])[] = [
  ['Tasks', ['task.cancel', 'task.retry', 'task.reprioritise', 'task.complete', 'task.delete']],
  ['Many tasks', ['task.bulk_cancel', 'task.bulk_retry', 'task.bulk_reprioritise', 'task.bulk_delete']],
  ['Queues and workers', ['queue.pause', 'queue.resume', 'worker.drain', 'worker.deregister']],
  ['Coming in', ['login', 'logout', 'logout.everywhere']],
  [
    'Users and tokens',
    [
      'user.create',
      'user.change',
      'user.role.viewer',
      'user.role.submitter',
      'user.role.operator',
      'user.role.worker',
      'user.role.admin',
      'user.disable',
      'user.enable',
      'user.password',
      'user.end_sessions',
      'user.first_admin',
      'user.reset_admin',
      'token.create',
      'token.revoke',
    ],
  ],
]

const spans = {
  '1h': 'The last hour',
  '24h': 'The last day',
  '7d': 'The last week',
  '30d': 'The last 30 days',
} as const satisfies Record<(typeof lastSpans)[number], string>

/** Who, what, of what and when. All of it stands in the address, so that a view can be sent to somebody. */
export function AuditFilters({ search }: { readonly search: AdminSearch }) {
  const id = useId()
  const navigate = useNavigate()
  const [isOwnSpan, setOwnSpan] = useState(search.since !== undefined || search.until !== undefined)
  const set = (change: AdminSearch) => {
    // Of what the address says by then: a field that is left and the choice that follows come one right after the other.
    void navigate({ to: '/admin', search: before => ({ ...before, ...change, tab: 'audit' as const }), replace: true })
  }
  const chooseSpan = (value: string) => {
    setOwnSpan(value === 'own')
    set({ last: lastSpans.find(span => span === value), since: undefined, until: undefined })
  }
  return (
    <search className="audit-filters">
      <Typed
        label="Who"
        placeholder="anybody"
        list={`${id}-who`}
        value={search.actor}
        onDone={actor => set({ actor })}
      />
      <People id={`${id}-who`} />
      <div className="field">
        <label htmlFor={`${id}-what`}>What</label>
        <select
          id={`${id}-what`}
          value={search.action ?? ''}
          onChange={event => set({ action: event.target.value === '' ? undefined : event.target.value })}
        >
          <option value="">anything</option>
          {/* An address may name one that is not in the list. */}
          {search.action === undefined || actions.some(([, names]) => names.includes(search.action ?? '')) ? null : (
            <option>{search.action}</option>
          )}
          {actions.map(([group, names]) => (
            <optgroup key={group} label={group}>
              {names.map(name => (
                <option key={name}>{name}</option>
              ))}
            </optgroup>
          ))}
        </select>
      </div>
      <Typed label="Of what" placeholder="anything" value={search.subject} onDone={subject => set({ subject })} />
      <div className="field">
        <label htmlFor={`${id}-when`}>When</label>
        <select
          id={`${id}-when`}
          value={isOwnSpan ? 'own' : (search.last ?? '')}
          onChange={event => chooseSpan(event.target.value)}
        >
          <option value="">at any time</option>
          {lastSpans.map(span => (
            <option key={span} value={span}>
              {spans[span]}
            </option>
          ))}
          <option value="own">From and until…</option>
        </select>
      </div>
      {isOwnSpan ? (
        <>
          <Moment label="From" value={search.since} onDone={since => set({ since, last: undefined })} />
          <Moment label="Until" value={search.until} onDone={until => set({ until, last: undefined })} />
        </>
      ) : null}
      {isFiltered(search) ? (
        <Button look="ghost" onClick={() => void navigate({ to: '/admin', search: { tab: 'audit' } })}>
          Clear
        </Button>
      ) : null}
    </search>
  )
}

interface TypedProps {
  readonly label: string
  readonly list?: string
  readonly value: string | undefined
  readonly onDone: (value: string | undefined) => void
}

/** Asked for when it is done: the log knows whole names only. */
function Typed({ label, placeholder, list, value = '', onDone }: TypedProps & { readonly placeholder: string }) {
  const [text, setText] = useState(value)
  const [of, setOf] = useState(value)
  // Cleared, or gone back to, from outside.
  if (of !== value) {
    setOf(value)
    setText(value)
  }
  const done = (typed = text) => {
    const trimmed = typed.trim()
    if (trimmed !== value) onDone(trimmed === '' ? undefined : trimmed)
  }
  return (
    <TextField
      label={label}
      placeholder={placeholder}
      autoComplete="off"
      {...(list === undefined ? {} : { list })}
      value={text}
      onValue={setText}
      onBlur={() => done()}
      // One that was picked from the list is whole.
      onInput={event => (isPick(event.nativeEvent) ? done(event.currentTarget.value) : undefined)}
      onKeyDown={event => (event.key === 'Enter' ? done() : undefined)}
    />
  )
}

function isPick(event: Event): boolean {
  return event instanceof InputEvent && event.inputType === 'insertReplacementText'
}

function People({ id }: { readonly id: string }) {
  const { data: users } = useQuery(usersQuery)
  const { data: tokens } = useQuery(tokensQuery)
  const names = new Set([
    ...(users ?? []).map(user => user.name),
    ...(tokens ?? []).slice(0, 200).map(token => `token:${token.name}`),
  ])
  return (
    <datalist id={id}>
      {[...names].map(name => (
        <option key={name} value={name} />
      ))}
    </datalist>
  )
}

/** A moment in the time of this browser; what travels says its zone. */
function Moment({ label, value, onDone }: TypedProps) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="datetime-local"
        step={1}
        value={value === undefined ? '' : localText(new Date(value))}
        onChange={event => {
          const at = new Date(event.target.value)
          onDone(Number.isFinite(at.getTime()) ? at.toISOString() : undefined)
        }}
      />
    </div>
  )
}

function localText(at: Date): string {
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}
