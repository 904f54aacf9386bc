import { createHash, createHmac } from 'node:crypto'
import { type Role, roles } from '@tasklane/protocol'
import { jwtVerify, SignJWT } from 'jose'
import type { Clock } from '../../ports/clock.ts'

/** What a session token says, and this node believes, having signed it or another that has the key. */
export interface SessionClaims {
  readonly userName: string
  readonly role: Role
  /** The user's version when it was given out. */
  readonly version: number
  /** Stays the same when the token is renewed: what a logout ends. */
  readonly sid: string
  readonly startedAtMs: number
  readonly issuedAtMs: number
  readonly expiresAtMs: number
}

export interface SessionTokens {
  sign(session: {
    readonly userName: string
    readonly role: Role
    readonly version: number
    /** The session that is renewed; a new one begins where there is none. */
    readonly renews?: Pick<SessionClaims, 'sid' | 'startedAtMs'>
  }): Promise<{ readonly token: string; readonly claims: SessionClaims }>
  /** Null for whatever is not a token of ours that counts now. */
  verify(token: string): Promise<SessionClaims | null>
}

const algorithm = 'HS256'
const issuer = 'tasklane'
const audience = 'tasklane'
/** Wall clocks of nodes differ. Applies to the beginning only: the end is exact. */
const skewSeconds = 30
/** Ours have about 400 characters. */
const tokenCharsMax = 2_048

interface Key {
  readonly id: string
  readonly secret: Uint8Array
}

/**
 * JSON Web Tokens, HS256 and nothing else. The key that verifies is found by `kid`, a name that is derived from the key
 * itself, so that what a token says there chooses among our keys and never fetches, opens or queries anything.
 *
 * @param secretKeys the first signs, all verify; without any, one is made that lasts as long as this process
 */
export function createSessionTokens(parts: {
  readonly clock: Clock
  readonly secretKeys: readonly string[]
  readonly lastsMs: number
}): SessionTokens {
  const { clock, lastsMs } = parts
  const keys = parts.secretKeys.length === 0 ? [randomKey(clock)] : parts.secretKeys.map(keyOf)
  const [current] = keys
  if (current === undefined) throw new Error('Assertion failed: there is a key')
  const nowSeconds = (): number => Math.floor(clock.now() / 1_000)

  return Object.freeze<SessionTokens>({
    sign: async ({ userName, role, version, renews }) => {
      const issuedAt = nowSeconds()
      const expiresAt = issuedAt + Math.ceil(lastsMs / 1_000)
      const id = randomText(clock, 16)
      const sid = renews?.sid ?? id
      const startedAtMs = renews?.startedAtMs ?? issuedAt * 1_000
      const token = await new SignJWT({ role, ver: version, sid, auth_time: Math.floor(startedAtMs / 1_000) })
        .setProtectedHeader({ alg: algorithm, kid: current.id, typ: 'JWT' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(userName)
        .setJti(id)
        .setIssuedAt(issuedAt)
        .setNotBefore(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(current.secret)
      const issuedAtMs = issuedAt * 1_000
      return {
        token,
        claims: { userName, role, version, sid, startedAtMs, issuedAtMs, expiresAtMs: expiresAt * 1_000 },
      }
    },
    verify: async token => {
      if (token.length > tokenCharsMax) return null
      try {
        const { payload } = await jwtVerify(token, header => secretFor(header, keys), {
          algorithms: [algorithm],
          issuer,
          audience,
          clockTolerance: skewSeconds,
          currentDate: new Date(clock.now()),
          requiredClaims: ['exp', 'iat', 'nbf', 'jti', 'sub', 'sid', 'role', 'ver', 'auth_time'],
        })
        const claims = readClaims(payload)
        return claims === null || claims.expiresAtMs <= clock.now() ? null : claims
      } catch {
        // Whatever is wrong with it is its sender's affair; the sentence that answers is the same.
        return null
      }
    },
  })
}

/** Our tokens carry exactly these; one with `jku`, `jwk`, `x5u` or `crit` is none of ours, whoever signed it. */
const headerNames = ['alg', 'kid', 'typ']

function secretFor(header: object, keys: readonly Key[]): Uint8Array {
  const isPlain = Object.keys(header).every(name => headerNames.includes(name)) && Reflect.get(header, 'typ') === 'JWT'
  const key = isPlain ? keys.find(({ id }) => id === Reflect.get(header, 'kid')) : undefined
  if (key === undefined) throw new Error('The token names no key of ours.')
  return key.secret
}

function readClaims(payload: Readonly<Record<string, unknown>>): SessionClaims | null {
  const { sub, role, ver, sid, exp, iat, auth_time: startedAt, aud } = payload
  const known = roles.find(one => one === role)
  if (typeof sub !== 'string' || typeof sid !== 'string' || known === undefined || aud !== audience) return null
  if (!isCount(ver) || !isCount(exp) || !isCount(iat) || !isCount(startedAt)) return null
  const [startedAtMs, issuedAtMs, expiresAtMs] = [startedAt * 1_000, iat * 1_000, exp * 1_000]
  return { userName: sub, role: known, version: ver, sid, startedAtMs, issuedAtMs, expiresAtMs }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0
}

/** The name of a key tells nothing of it that a signed token does not tell as well. */
function keyOf(text: string): Key {
  const secret = new TextEncoder().encode(text)
  return { id: createHmac('sha256', secret).update('tasklane key id').digest('base64url').slice(0, 12), secret }
}

function randomKey(clock: Clock): Key {
  return keyOf(randomText(clock, 48))
}

/** Text of so many random bytes, as it can stand in a header or an address. */
export function randomText(clock: Pick<Clock, 'fillRandom'>, bytes: number): string {
  const random = new Uint8Array(bytes)
  clock.fillRandom(random)
  return Buffer.from(random).toString('base64url')
}

const secretPrefix = 'tl_'

/** A service token's secret: 256 bits by chance. Its digest needs no salt and no slow hash, since nobody can guess it. */
export function newTokenSecret(clock: Pick<Clock, 'fillRandom'>): string {
  return `${secretPrefix}${randomText(clock, 32)}`
}

export function isTokenSecret(text: string): boolean {
  return /^tl_[A-Za-z0-9_-]{43}$/.test(text)
}

export function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
