import type { FastifyRequest } from 'fastify'
import type { Principal } from '../../core/access.ts'
import { Problem } from '../../core/problem.ts'
import type { TokenRecord, UserRecord } from '../../ports/accounts.ts'
import type { Clock } from '../../ports/clock.ts'
import { readCookie } from './cookie.ts'
import type { Accounts, Directory } from './directory.ts'
import type { Logouts } from './logouts.ts'
import { createRecent, type Recent } from './recent.ts'
import { digestOf, isTokenSecret, type SessionClaims, type SessionTokens } from './session-tokens.ts'
import type { TokenUse } from './token-use.ts'

/** How a caller showed who it is. */
export type Credential =
  | { readonly kind: 'session'; readonly claims: SessionClaims; readonly isCookie: boolean }
  | { readonly kind: 'token'; readonly id: string; readonly expiresAtMs: number | null }

export interface Caller {
  readonly principal: Principal
  readonly credential: Credential
}

export interface Authenticator {
  /**
   * Who sent this; null where nobody said. Throws `unauthenticated` for a bearer token that does not count, in every
   * mode: a caller that says who it is must not be taken for somebody else. A cookie that does not count is as none.
   */
  callerOf(request: FastifyRequest): Caller | null | Promise<Caller | null>
}

/** What was proved of a text once and stays true: who signed it, or its digest. Whether it still counts is asked each time. */
type Proof =
  | { readonly kind: 'session'; readonly claims: SessionClaims; caller: { of: UserRecord; is: Caller } | null }
  | { readonly kind: 'token'; readonly hash: string; caller: { of: TokenRecord; is: Caller } | null }

/** Only texts that count are kept, so that nobody without one can push others out. */
const proofsMax = 10_000

export function createAuthenticator(parts: {
  readonly directory: Directory
  readonly sessions: SessionTokens
  readonly logouts: Logouts
  readonly tokenUse: TokenUse
  readonly clock: Clock
}): Authenticator {
  const { directory, sessions, logouts, tokenUse, clock } = parts
  const bearers = createRecent<Proof>(proofsMax)
  const cookies = createRecent<Proof>(proofsMax)

  function callerOf(request: FastifyRequest): Caller | null | Promise<Caller | null> {
    const bearer = readBearer(request.headers.authorization)
    if (bearer !== null) return orRefuse(callerBy(bearer, bearers, false))
    const cookie = readCookie(request)
    return cookie === null ? null : callerBy(cookie, cookies, true)
  }

  /** At once where the text was proved before and the accounts are fresh: a request then costs microseconds. */
  function callerBy(text: string, proofs: Recent<Proof>, isCookie: boolean): Caller | null | Promise<Caller | null> {
    const proof = proofs.get(text)
    const accounts = directory.fresh()
    if (proof !== undefined && accounts !== null) return judge(proof, accounts, isCookie)
    return proveAndJudge(text, proofs, isCookie)
  }

  async function proveAndJudge(text: string, proofs: Recent<Proof>, isCookie: boolean): Promise<Caller | null> {
    const proof = proofs.get(text) ?? (await prove(text, isCookie))
    if (proof === null) return null
    const caller = judge(proof, directory.fresh() ?? (await directory.refreshed()), isCookie)
    if (caller === null) {
      proofs.forget(text)
      return null
    }
    proofs.put(text, proof)
    return caller
  }

  async function prove(text: string, isCookie: boolean): Promise<Proof | null> {
    if (!isCookie && isTokenSecret(text)) return { kind: 'token', hash: digestOf(text), caller: null }
    const claims = await sessions.verify(text)
    return claims === null ? null : { kind: 'session', claims, caller: null }
  }

  function judge(proof: Proof, accounts: Accounts, isCookie: boolean): Caller | null {
    return proof.kind === 'session' ? judgeSession(proof, accounts, isCookie) : judgeToken(proof, accounts)
  }

  function judgeSession(proof: Proof & { kind: 'session' }, accounts: Accounts, isCookie: boolean): Caller | null {
    const { claims } = proof
    const user = accounts.users.get(claims.userName)
    if (user === undefined || user.isDisabled || user.version !== claims.version || user.role !== claims.role)
      return null
    if (claims.expiresAtMs <= clock.now() || logouts.has(claims.sid)) return null
    if (proof.caller?.of === user) return proof.caller.is
    const principal = Object.freeze<Principal>({
      kind: 'user',
      name: user.name,
      role: user.role,
      queues: null,
      types: null,
    })
    const caller: Caller = { principal, credential: { kind: 'session', claims, isCookie } }
    proof.caller = { of: user, is: caller }
    return caller
  }

  function judgeToken(proof: Proof & { kind: 'token' }, accounts: Accounts): Caller | null {
    const token = accounts.tokens.get(proof.hash)
    if (token === undefined || (token.expiresAtMs !== null && token.expiresAtMs <= clock.now())) return null
    tokenUse.used(token.id)
    if (proof.caller?.of === token) return proof.caller.is
    const { role, queues, types, id, expiresAtMs } = token
    const principal = Object.freeze<Principal>({ kind: 'token', name: `token:${token.name}`, role, queues, types })
    const caller: Caller = { principal, credential: { kind: 'token', id, expiresAtMs } }
    proof.caller = { of: token, is: caller }
    return caller
  }

  return Object.freeze<Authenticator>({ callerOf })
}

/** The text of `Authorization: Bearer`; null where the header is absent or of another scheme. */
function readBearer(header: string | undefined): string | null {
  if (header === undefined || !/^bearer(?: |$)/i.test(header)) return null
  return header.slice('bearer'.length).trim()
}

function orRefuse(caller: Caller | null | Promise<Caller | null>): Caller | Promise<Caller> {
  if (caller instanceof Promise) return caller.then(orRefuseNow)
  return orRefuseNow(caller)
}

function orRefuseNow(caller: Caller | null): Caller {
  if (caller !== null) return caller
  throw new Problem(
    'unauthenticated',
    'The token that was sent does not count: it has run out, was revoked, or was never ours.',
  )
}
