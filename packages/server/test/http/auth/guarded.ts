import type { Role } from '@tasklane/protocol'
import type { PasswordHasher } from '../../../src/http/auth/passwords.ts'
import { digestOf, newTokenSecret } from '../../../src/http/auth/session-tokens.ts'
import type { TokenRecord } from '../../../src/ports/accounts.ts'
import { systemClock } from '../../../src/system-clock.ts'
import { createVirtualClock, type VirtualClock } from '../../support/virtual-clock.ts'
import { type Answer, type Node, type NodeOptions, startNode } from '../harness.ts'

export const secretKey = 'a-key-for-tests-that-is-long-enough-to-be-one'
export const passwordOf = (name: string): string => `${name}'s long password`

/** A node that asks for a login, with time in the hands of the test and a hasher that costs nothing and counts. */
export interface Guarded extends Node {
  readonly clock: VirtualClock
  /** How often a password was compared, or hashed. */
  readonly work: { verified: number; hashed: number }
  /** The name of a new user; its password is `passwordOf(name)`. */
  user(name: string, role: Role): Promise<string>
  /** A session token of the user, by a login. */
  bearerOf(name: string): Promise<string>
  /** The secret of a new service token. */
  token(name: string, role: Role, limits?: Partial<Pick<TokenRecord, 'queues' | 'types'>>): Promise<string>
  login(name: string, password: string, address?: string): Promise<Answer>
}

export async function startGuarded(
  options: Pick<NodeOptions, 'access' | 'accounts' | 'settings' | 'keep' | 'logTo'> = {},
): Promise<Guarded> {
  const clock = createVirtualClock()
  const work = { verified: 0, hashed: 0 }
  const hasher = cheapHasher(work)
  const access = { mode: 'required', secretKeys: [secretKey], hasher, ...options.access } as const
  const node = await startNode({ ...options, clock, access })
  const login: Guarded['login'] = async (username, password, address = '10.0.0.1') => {
    const reply = await node.app.inject({
      method: 'POST',
      url: '/token',
      remoteAddress: address,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ username, password }).toString(),
    })
    return { status: reply.statusCode, headers: reply.headers, text: reply.body, body: JSON.parse(reply.body) }
  }
  return {
    ...node,
    clock,
    work,
    login,
    user: async (name, role) => {
      await node.store.createUser({ name, role, passwordHash: await hasher.hash(passwordOf(name)) })
      // What is at hand may be a second old.
      await clock.advance(1_000)
      return name
    },
    bearerOf: async name => {
      const { status, body, text } = await login(name, passwordOf(name), `10.1.0.${name.length}`)
      if (status !== 200) throw new Error(`the login of ${name} was refused: ${text}`)
      return String(body.access_token)
    },
    token: async (name, role, { queues = null, types = null } = {}) => {
      // The virtual clock's chance is the same in every test, and two tokens must differ within one.
      const secret = newTokenSecret(systemClock)
      const draft = {
        id: `id-${name}`,
        name,
        hash: digestOf(secret),
        role,
        queues,
        types,
        createdBy: null,
        lastsMs: null,
      }
      await node.store.createToken(draft)
      await clock.advance(1_000)
      return secret
    },
  }
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}

function cheapHasher(work: Guarded['work']): PasswordHasher {
  const hashOf = (password: string): string =>
    `$argon2id$v=19$m=19456,t=2,p=1$cheap$${Buffer.from(password).toString('base64url')}`
  return {
    hash: async password => {
      work.hashed += 1
      return hashOf(password)
    },
    // Parameters may differ, as those of real hashes may.
    verify: async (hashed, password) => {
      work.verified += 1
      return hashed.split('$').at(-1) === hashOf(password).split('$').at(-1)
    },
  }
}
