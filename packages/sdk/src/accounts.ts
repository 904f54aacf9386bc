import type {
  AuditPage,
  Me,
  NewServiceToken,
  ServiceToken,
  ServiceTokenDraft,
  TokenReply,
  User,
  UserChange,
  UserDraft,
} from '@tasklane/protocol'
import type { Call, Transport } from './transport.ts'

/** Who may come in: logins for everybody, users and service tokens for admins. Shapes and names are those of the wire. */
export interface Accounts {
  /** Who the scheduler takes this client for. */
  me(): Promise<Me>
  /** @throws ApiError `login_refused`, `too_many_requests` */
  login(name: string, password: string): Promise<TokenReply>
  /** Ends the session this client's token is of, or all of its user. A service token is not ended by it. */
  logout(options?: { readonly everywhere?: boolean | undefined }): Promise<void>
  /** Ends all sessions of the user; the reply is a new one. */
  changeOwnPassword(current: string, next: string): Promise<TokenReply>
  users(): Promise<readonly User[]>
  createUser(user: UserDraft): Promise<User>
  changeUser(name: string, change: UserChange): Promise<User>
  tokens(): Promise<readonly ServiceToken[]>
  /** The secret is in this reply, and nowhere else. */
  createToken(token: ServiceTokenDraft): Promise<NewServiceToken>
  revokeToken(idOrName: string): Promise<void>
  /** What was done by whom, newest first. */
  audit(query?: AuditQuery): Promise<AuditPage>
}

export interface AuditQuery {
  /** The name of a user, or `token:NAME`. */
  readonly actor?: string | undefined
  readonly action?: string | undefined
  readonly subject?: string | undefined
  readonly limit?: number | undefined
  /** `next_cursor` of the page before, with the same filter. */
  readonly cursor?: string | undefined
}

export function createAccounts(transport: Transport): Accounts {
  // The shapes of replies are the scheduler's word, given in @tasklane/protocol.
  const call = async <Reply>(ask: Call): Promise<Reply> => (await transport.call(ask)).body as Reply
  const post = <Reply>(path: string, body: unknown): Promise<Reply> =>
    call({ method: 'POST', path, body: JSON.stringify(body), isRepeatable: false })
  const pathOf = (kind: string, name: string): string => `/api/${kind}/${encodeURIComponent(name)}`
  return Object.freeze<Accounts>({
    me: () => call({ method: 'GET', path: '/api/me', isRepeatable: true }),
    login: (username, password) =>
      call({
        method: 'POST',
        path: '/token',
        body: new URLSearchParams({ grant_type: 'password', username, password }).toString(),
        contentType: 'application/x-www-form-urlencoded',
        // Neither a second guess nor a longer wait behind the caller's back.
        isRepeatable: false,
        retries: 0,
      }),
    logout: async ({ everywhere = false } = {}) => {
      const path = everywhere ? '/api/session?everywhere=true' : '/api/session'
      await call({ method: 'DELETE', path, isRepeatable: true })
    },
    changeOwnPassword: (current, next) => post('/api/me/password', { current, new: next }),
    users: async () => {
      const reply: { readonly users: readonly User[] } = await call({
        method: 'GET',
        path: '/api/users',
        isRepeatable: true,
      })
      return reply.users
    },
    createUser: user => post('/api/users', user),
    changeUser: (name, change) =>
      call({ method: 'PATCH', path: pathOf('users', name), body: JSON.stringify(change), isRepeatable: true }),
    tokens: async () => {
      const reply: { readonly tokens: readonly ServiceToken[] } = await call({
        method: 'GET',
        path: '/api/tokens',
        isRepeatable: true,
      })
      return reply.tokens
    },
    createToken: token => post('/api/tokens', token),
    revokeToken: async idOrName => {
      await call({ method: 'DELETE', path: pathOf('tokens', idOrName), isRepeatable: true })
    },
    audit: (query = {}) => {
      const search = new URLSearchParams()
      for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value))
      return call({ method: 'GET', path: `/api/audit${search.size === 0 ? '' : `?${search}`}`, isRepeatable: true })
    },
  })
}
