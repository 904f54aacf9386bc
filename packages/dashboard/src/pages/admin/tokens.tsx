import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { ServiceToken } from '@tasklane/protocol'
import { Ban, CircleCheck, KeyRound, Plus, TimerOff } from 'lucide-react'
import { useState } from 'react'
import { send } from '../../api/http.ts'
import { tokensQuery } from '../../api/queries.ts'
import { Button } from '../../parts/basic.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Table } from '../../parts/table.tsx'
import { Time, useNow } from '../../parts/time.tsx'
import { toast } from '../../shell/toasts.tsx'
import { Roll } from './roll.tsx'
import { NewToken } from './token-form.tsx'

export function Tokens() {
  return (
    <Roll
      title="Tokens"
      query={useQuery(tokensQuery)}
      isEnded={token => token.status !== 'active'}
      ended="ended token"
      add={{ icon: Plus, text: 'Make a token', Form: NewToken }}
      nothing={ended => ({
        icon: KeyRound,
        title: ended === 0 ? 'No token yet' : 'No token opens anything',
        text: 'Programs and workers come in with a token each, which can run out and be revoked.',
      })}
    >
      {tokens => (
        <Table label="Tokens" columns={['Name', 'Role', '-Only for', '-State', 'Ends', '-Last used', '-Made']}>
          {tokens.map(token => (
            <TokenRow key={token.token_id} token={token} />
          ))}
        </Table>
      )}
    </Roll>
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
