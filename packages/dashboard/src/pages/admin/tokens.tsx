import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { ServiceToken } from '@tasklane/protocol'
import { Ban, CircleCheck, KeyRound, Plus, TimerOff } from 'lucide-react'
import { useState } from 'react'
import { send } from '../../api/http.ts'
import { tokensQuery } from '../../api/queries.ts'
import { Button, Failure, Notice, Panel, Skeleton, Stale } from '../../parts/basic.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { plural } from '../../parts/format.ts'
import { Time, useNow } from '../../parts/time.tsx'
import { toast } from '../../shell/toasts.tsx'
import { NewToken } from './token-form.tsx'

export function Tokens() {
  const { data: tokens, error, refetch, dataUpdatedAt } = useQuery(tokensQuery)
  const [isAdding, setAdding] = useState(false)
  const [isAll, setAll] = useState(false)
  if (tokens === undefined)
    return error === null ? <Skeleton rows={4} /> : <Failure error={error} onRetry={() => void refetch()} />
  const ended = tokens.filter(token => token.status !== 'active').length
  const shown = tokens.filter(token => isAll || token.status === 'active')
  return (
    <>
      <Stale error={error} at={dataUpdatedAt} />
      <Panel
        isFlush
        title="Tokens"
        side={
          <div className="panel-tools">
            {ended === 0 ? null : (
              <label className="tick">
                <input type="checkbox" checked={isAll} onChange={event => setAll(event.target.checked)} />
                Show {plural(ended, 'ended token')}
              </label>
            )}
            <Button isSmall icon={Plus} onClick={() => setAdding(true)}>
              Make a token
            </Button>
          </div>
        }
      >
        {shown.length === 0 ? (
          <Notice icon={KeyRound} title={ended === 0 ? 'No token yet' : 'No token opens anything'}>
            <p>Programs and workers come in with a token each, which can run out and be revoked.</p>
          </Notice>
        ) : (
          <TokenTable tokens={shown} />
        )}
      </Panel>
      {isAdding ? <NewToken onClose={() => setAdding(false)} /> : null}
    </>
  )
}

function TokenTable({ tokens }: { readonly tokens: readonly ServiceToken[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
    <section className="scroll-x" tabIndex={0} aria-label="Tokens">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Role</th>
            <th scope="col" className="not-phone">
              Only for
            </th>
            <th scope="col" className="not-phone">
              State
            </th>
            <th scope="col">Ends</th>
            <th scope="col" className="not-phone">
              Last used
            </th>
            <th scope="col" className="not-phone">
              Made
            </th>
            <th scope="col">
              <span className="offscreen">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tokens.map(token => (
            <TokenRow key={token.token_id} token={token} />
          ))}
        </tbody>
      </table>
    </section>
  )
}

const looks = {
  active: ['Active', CircleCheck, 'completed'],
  expired: ['Ran out', TimerOff, 'cancelled'],
  revoked: ['Revoked', Ban, 'cancelled'],
} as const satisfies Record<ServiceToken['status'], readonly unknown[]>

function TokenRow({ token }: { readonly token: ServiceToken }) {
  const [text, Icon, tone] = looks[token.status]
  const isActive = token.status === 'active'
  const bounds = [
    ...(token.queues ?? []).map(name => `queue ${name}`),
    ...(token.types ?? []).map(name => `type ${name}`),
  ].join(', ')
  return (
    <tr className={isActive ? '' : 'row-off'}>
      <td>
        <span className="strong-link">{token.name}</span>
        {bounds === '' ? null : <small className="only-phone faint bounds clip">{bounds}</small>}
      </td>
      <td>{token.role}</td>
      <td className="not-phone">
        {bounds === '' ? (
          <span className="faint">everything</span>
        ) : (
          <div className="clip bounds" title={bounds}>
            {bounds}
          </div>
        )}
      </td>
      <td className="not-phone">
        <span className={`state tone-${tone}`}>
          <Icon size={14} aria-hidden="true" /> {text}
        </span>
      </td>
      <td>
        <Ends token={token} />
      </td>
      <td className="not-phone">
        {token.last_used_at === null ? <span className="faint">never</span> : <Time at={token.last_used_at} />}
      </td>
      <td className="not-phone">
        <Time at={token.created_at} />
        {token.created_by === null ? null : <span className="faint"> by {token.created_by}</span>}
      </td>
      <td className="actions">{isActive ? <Revoke token={token} /> : <span className="only-phone">{text}</span>}</td>
    </tr>
  )
}

const soonMs = 7 * 86_400_000

/** What stops working within the week is marked: somebody has to make another one before. */
function Ends({ token }: { readonly token: ServiceToken }) {
  const now = useNow()
  if (token.expires_at === null) return <span className="faint">never</span>
  const isSoon = token.status === 'active' && Date.parse(token.expires_at) - now < soonMs
  return (
    <span className={isSoon ? 'tone-pending' : ''} title={isSoon ? 'Make another one before it ends' : undefined}>
      <Time at={token.expires_at} />
    </span>
  )
}

function Revoke({ token }: { readonly token: ServiceToken }) {
  const client = useQueryClient()
  const [isAsking, setAsking] = useState(false)
  const revoke = async () => {
    await send('DELETE', `api/tokens/${encodeURIComponent(token.token_id)}`)
    toast('good', `${token.name} opens nothing any more.`)
    void client.invalidateQueries({ queryKey: ['tokens'] })
  }
  return (
    <>
      <Button isSmall onClick={() => setAsking(true)} aria-label={`Revoke ${token.name}`}>
        Revoke
      </Button>
      <Confirm
        title={`Revoke ${token.name}?`}
        verb="Revoke"
        isDanger
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        onConfirm={revoke}
      >
        <p>
          Whoever uses it is refused at once
          {token.last_used_at === null ? '; it was never used' : null}. This cannot be undone; a new token may have the
          same name.
        </p>
      </Confirm>
    </>
  )
}
