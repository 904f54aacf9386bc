import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { type AuditEntry, type Role, roles, type ServiceToken, type User } from '@tasklane/protocol'
import { KeyRound, Plus, UserPlus } from 'lucide-react'
import { Tabs } from 'radix-ui'
import { useState } from 'react'
import { send } from '../api/http.ts'
import { auditQuery, tokensQuery, usersQuery } from '../api/queries.ts'
import { Button, Failure, Nothing, PageHead, Panel, Skeleton } from '../parts/basic.tsx'
import { Confirm } from '../parts/dialog.tsx'
import { Time } from '../parts/time.tsx'
import { toast, toastError } from '../shell/toasts.tsx'
import { NewToken, NewUser } from './admin-forms.tsx'

export function Admin() {
  return (
    <div className="page">
      <PageHead title="Admin" note="Who may come in, with what, and what they did." />
      <Tabs.Root defaultValue="users">
        <Tabs.List className="segments tabs" aria-label="Admin">
          <Tabs.Trigger value="users" className="segment">
            Users
          </Tabs.Trigger>
          <Tabs.Trigger value="tokens" className="segment">
            Tokens
          </Tabs.Trigger>
          <Tabs.Trigger value="audit" className="segment">
            Audit log
          </Tabs.Trigger>
        </Tabs.List>
        <Tabs.Content value="users" tabIndex={-1}>
          <Users />
        </Tabs.Content>
        <Tabs.Content value="tokens" tabIndex={-1}>
          <Tokens />
        </Tabs.Content>
        <Tabs.Content value="audit" tabIndex={-1}>
          <Audit />
        </Tabs.Content>
      </Tabs.Root>
    </div>
  )
}

function Users() {
  const { data: users, error, refetch } = useQuery(usersQuery)
  const [isAdding, setAdding] = useState(false)
  if (users === undefined)
    return error === null ? <Skeleton rows={4} /> : <Failure error={error} onRetry={() => void refetch()} />
  return (
    <Panel
      isFlush
      title="Users"
      side={
        <Button isSmall icon={UserPlus} onClick={() => setAdding(true)}>
          Add a user
        </Button>
      }
    >
      {users.length === 0 ? (
        <Nothing title="No user yet">The first start of a scheduler that asks for logins makes one.</Nothing>
      ) : null}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard */}
      <section className="scroll-x" tabIndex={0} aria-label="Users">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Role</th>
              <th scope="col">State</th>
              <th scope="col">Created</th>
              <th scope="col">
                <span className="offscreen">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {users.map(user => (
              <UserRow key={user.name} user={user} />
            ))}
          </tbody>
        </table>
      </section>
      <NewUser isOpen={isAdding} onClose={() => setAdding(false)} />
    </Panel>
  )
}

function UserRow({ user }: { readonly user: User }) {
  const client = useQueryClient()
  const change = async (changes: object, done: string) => {
    try {
      await send('PATCH', `api/users/${encodeURIComponent(user.name)}`, changes)
      toast('good', done)
      await client.invalidateQueries({ queryKey: ['users'] })
    } catch (error) {
      toastError(error)
    }
  }
  return (
    <tr>
      <td className="strong-link">{user.name}</td>
      <td>
        <select
          aria-label={`Role of ${user.name}`}
          value={user.role}
          onChange={event =>
            void change({ role: roleOf(event.target.value) }, `${user.name} is ${event.target.value} now.`)
          }
        >
          {roles.map(role => (
            <option key={role}>{role}</option>
          ))}
        </select>
      </td>
      <td>{user.disabled ? <span className="tone-failed">disabled</span> : 'may log in'}</td>
      <td>
        <Time at={user.created_at} />
      </td>
      <td className="actions">
        <Button
          isSmall
          look="ghost"
          onClick={() => void change({ end_sessions: true }, `${user.name} is logged out everywhere.`)}
        >
          Log out everywhere
        </Button>
        <Button
          isSmall
          onClick={() =>
            void change(
              { disabled: !user.disabled },
              user.disabled ? `${user.name} may log in.` : `${user.name} is disabled.`,
            )
          }
        >
          {user.disabled ? 'Enable' : 'Disable'}
        </Button>
      </td>
    </tr>
  )
}

export function roleOf(text: string): Role {
  return roles.find(role => role === text) ?? 'viewer'
}

function Tokens() {
  const { data: tokens, error, refetch } = useQuery(tokensQuery)
  const [isAdding, setAdding] = useState(false)
  if (tokens === undefined)
    return error === null ? <Skeleton rows={4} /> : <Failure error={error} onRetry={() => void refetch()} />
  return (
    <Panel
      isFlush
      title="Tokens"
      side={
        <Button isSmall icon={Plus} onClick={() => setAdding(true)}>
          Make a token
        </Button>
      }
    >
      {tokens.length === 0 ? (
        <Nothing title="No token yet">Programs and workers come in with a token each.</Nothing>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
        <section className="scroll-x" tabIndex={0} aria-label="Tokens">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Role</th>
                <th scope="col">Only for</th>
                <th scope="col">Created</th>
                <th scope="col">Ends</th>
                <th scope="col">Last used</th>
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
      )}
      <NewToken isOpen={isAdding} onClose={() => setAdding(false)} />
    </Panel>
  )
}

function TokenRow({ token }: { readonly token: ServiceToken }) {
  const client = useQueryClient()
  const [isAsking, setAsking] = useState(false)
  const bounds = [
    ...(token.queues ?? []).map(name => `queue ${name}`),
    ...(token.types ?? []).map(name => `type ${name}`),
  ]
  return (
    <tr>
      <td>
        <KeyRound size={14} aria-hidden="true" className="faint" /> {token.name}
      </td>
      <td>{token.role}</td>
      <td>{bounds.length === 0 ? <span className="faint">no bounds</span> : bounds.join(', ')}</td>
      <td>
        <Time at={token.created_at} />
      </td>
      <td>{token.expires_at === null ? <span className="faint">never</span> : <Time at={token.expires_at} />}</td>
      <td>
        <Time at={token.last_used_at} />
      </td>
      <td className="actions">
        {token.status === 'active' ? (
          <Button isSmall onClick={() => setAsking(true)}>
            Revoke
          </Button>
        ) : (
          <span className="faint">{token.status}</span>
        )}
        <Confirm
          title={`Revoke ${token.name}?`}
          verb="Revoke"
          isDanger
          isOpen={isAsking}
          onClose={() => setAsking(false)}
          onConfirm={async () => {
            await send('DELETE', `api/tokens/${encodeURIComponent(token.token_id)}`)
            toast('good', `${token.name} opens nothing any more.`)
            void client.invalidateQueries({ queryKey: ['tokens'] })
          }}
        >
          <p>Whoever uses it is refused at once. This cannot be undone.</p>
        </Confirm>
      </td>
    </tr>
  )
}

function Audit() {
  const [action, setAction] = useState('')
  const [actor, setActor] = useState('')
  const query = useInfiniteQuery(auditQuery({ action, actor }))
  const entries = query.data?.pages.flatMap(page => page.entries)
  return (
    <Panel
      isFlush
      title="Audit log"
      side={
        <div className="log-tools">
          <input
            aria-label="Who"
            placeholder="Who"
            defaultValue={actor}
            onKeyDown={event => (event.key === 'Enter' ? setActor(event.currentTarget.value) : undefined)}
            onBlur={event => setActor(event.target.value)}
          />
          <input
            aria-label="Action"
            placeholder="Action"
            defaultValue={action}
            onKeyDown={event => (event.key === 'Enter' ? setAction(event.currentTarget.value) : undefined)}
            onBlur={event => setAction(event.target.value)}
          />
        </div>
      }
    >
      {entries === undefined && query.error === null ? <Skeleton rows={6} /> : null}
      {entries === undefined && query.error !== null ? <Failure error={query.error} /> : null}
      {entries?.length === 0 ? (
        <Nothing title="Nothing is written down">What people and programs change stands here.</Nothing>
      ) : null}
      {entries === undefined || entries.length === 0 ? null : <AuditTable entries={entries} />}
      {query.hasNextPage ? (
        <p className="more">
          <Button onClick={() => void query.fetchNextPage()} disabled={query.isFetchingNextPage}>
            Older
          </Button>
        </p>
      ) : null}
    </Panel>
  )
}

function AuditTable({ entries }: { readonly entries: readonly AuditEntry[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
    <section className="scroll-x" tabIndex={0} aria-label="Audit log">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Who</th>
            <th scope="col">Action</th>
            <th scope="col">Of what</th>
            <th scope="col">Outcome</th>
            <th scope="col">From</th>
          </tr>
        </thead>
        <tbody>
          {entries.map(entry => (
            <tr key={entry.number}>
              <td>
                <Time at={entry.time} />
              </td>
              <td>{entry.actor ?? <span className="faint">nobody</span>}</td>
              <td>
                <code>{entry.action}</code>
              </td>
              <td className="clip">{entry.subject ?? '–'}</td>
              <td className={entry.outcome === 'ok' ? '' : 'tone-failed'}>{entry.outcome}</td>
              <td className="faint">{entry.address ?? '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
