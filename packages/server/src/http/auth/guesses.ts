import type { Clock } from '../../ports/clock.ts'
import { createRecent } from './recent.ts'

/**
 * How often a password may be guessed. Three counts, each with a back-off that doubles, and none of them shared by people
 * who have nothing to do with each other, so that nobody can lock out somebody else:
 *
 *  - by address: against one machine that tries many accounts;
 *  - by account and address together: against one machine that tries one account. The rightful user, elsewhere, is
 *    not touched by it;
 *  - by account: locks nothing. Above a number of failures the account counts as under attack, and then a *new* address
 *    has one try instead of five before its own back-off begins. Many machines gain little by being many, and a user who
 *    comes with the right password from a new address still comes in at the first try.
 *
 * An address from which this account has come in before is known: the count by address neither holds it up (a colleague
 * behind the same address may be guessing) nor is touched by it, only that of the pair.
 *
 * An attempt is counted before the password is looked at, so that guesses sent all at once gain nothing; a right one is
 * taken back. Failures are forgiven one by one as time passes. All of it is in this node's memory, bounded.
 */
export interface Guesses {
  /** Counts an attempt, or says in how many seconds the next one may come. Names that no user has are counted alike. */
  begin(account: string, address: string): Attempt | { readonly retryAfterSeconds: number; readonly isFirst: boolean }
}

export interface Attempt {
  readonly isKnown: boolean
  /** The password was right. */
  succeeded(): void
  /** Nothing was learnt: the attempt does not count. */
  withdrawn(): void
  /** However it went. */
  ended(): void
}

/** One failure is forgiven in so long. */
const forgivenMs = 600_000
const forgivenOfAccountMs = 60_000
const firstWaitMs = 1_000
const longestWaitMs = 900_000
const freeOfAddress = 10
const freeOfPair = 5
const freeOfPairUnderAttack = 1
/** Failures of one account, from all addresses, that are not forgiven yet. */
const attackFrom = 50
const entriesMax = 50_000
/** Attempts of one address that are looked at: right ones, too, cost a hash each. */
const underWayMax = 8
const knownAddressesMax = 16
const knownAccountsMax = 10_000

interface Count {
  failures: number
  blockedUntilMs: number
  /** Up to when time has forgiven. */
  forgivenToMs: number
  /** Whether the block under way was told of before. */
  isTold: boolean
}

export function createGuesses(clock: Clock): Guesses {
  const byAddress = createCounts(clock, forgivenMs)
  const byPair = createCounts(clock, forgivenMs)
  const byAccount = createCounts(clock, forgivenOfAccountMs)
  const known = createRecent<readonly string[]>(knownAccountsMax)

  const underWay = new Map<string, number>()

  function remember(account: string, address: string): void {
    const before = known.get(account) ?? []
    known.put(account, [address, ...before.filter(other => other !== address)].slice(0, knownAddressesMax))
  }

  return Object.freeze<Guesses>({
    begin: (name, givenAddress) => {
      const account = name.slice(0, 256)
      const address = networkOf(givenAddress)
      const pairKey = `${address} ${account}`
      const isKnown = known.get(account)?.includes(address) ?? false
      const pair = byPair.of(pairKey)
      const source = byAddress.of(address)
      const nowMs = clock.monotonic()
      const blocking = [pair, ...(isKnown ? [] : [source])].filter(count => count.blockedUntilMs > nowMs)
      if (blocking.length > 0) {
        const untilMs = Math.max(...blocking.map(count => count.blockedUntilMs))
        const isFirst = blocking.some(count => !count.isTold)
        for (const count of blocking) count.isTold = true
        return { retryAfterSeconds: Math.max(1, Math.ceil((untilMs - nowMs) / 1_000)), isFirst }
      }
      const others = underWay.get(address) ?? 0
      if (others >= underWayMax) return { retryAfterSeconds: 1, isFirst: false }
      underWay.set(address, others + 1)
      const total = byAccount.of(account)
      const isUnderAttack = total.failures >= attackFrom && !isKnown
      const undoPair = charge(pair, isUnderAttack ? freeOfPairUnderAttack : freeOfPair, nowMs)
      const undoSource = isKnown ? () => {} : charge(source, freeOfAddress, nowMs)
      // An attack that has ended is forgiven within the hour, however large it was.
      total.failures = Math.min(attackFrom + 10, total.failures + 1)
      const withdrawn = (): void => {
        undoPair()
        undoSource()
        total.failures = Math.max(0, total.failures - 1)
      }
      return {
        isKnown,
        withdrawn,
        ended: () => {
          const left = (underWay.get(address) ?? 1) - 1
          if (left > 0) underWay.set(address, left)
          else underWay.delete(address)
        },
        succeeded: () => {
          withdrawn()
          // Its owner is here; what failed before were slips. The address keeps its count: it may have an account of its
          // own, and would begin anew with each login.
          byPair.forget(pairKey)
          remember(account, address)
        },
      }
    },
  })
}

/** Counts one more failure, and begins to block from the free ones on: a second, two, four, up to a quarter of an hour. */
function charge(count: Count, free: number, nowMs: number): () => void {
  count.failures += 1
  const over = count.failures - free
  const beforeMs = count.blockedUntilMs
  const untilMs = nowMs + Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(over, 20))
  if (over >= 0) {
    count.blockedUntilMs = untilMs
    count.isTold = false
  }
  return () => {
    count.failures = Math.max(0, count.failures - 1)
    // Another attempt may have been charged since.
    if (over >= 0 && count.blockedUntilMs === untilMs) count.blockedUntilMs = beforeMs
  }
}

interface Counts {
  of(key: string): Count
  forget(key: string): void
}

function createCounts(clock: Clock, forgivenEveryMs: number): Counts {
  const counts = createRecent<Count>(entriesMax)
  return {
    of: key => {
      const nowMs = clock.monotonic()
      const count = counts.get(key) ?? { failures: 0, blockedUntilMs: 0, forgivenToMs: nowMs, isTold: false }
      const forgiven = Math.floor((nowMs - count.forgivenToMs) / forgivenEveryMs)
      count.failures = Math.max(0, count.failures - forgiven)
      count.forgivenToMs += forgiven * forgivenEveryMs
      counts.put(key, count)
      return count
    },
    forget: counts.forget,
  }
}

/** Who has one address of IPv6 has 2^64 of them: they count as one. */
export function networkOf(address: string): string {
  const bare = address.replace(/%.*$/, '').toLowerCase()
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare)?.[1]
  if (mapped !== undefined) return mapped
  if (!bare.includes(':')) return bare
  const [head = '', tail] = bare.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  const groups = [...left, ...zeros, ...right].slice(0, 4).map(group => group.replace(/^0+(?=.)/, ''))
  return `${groups.join(':')}::/64`
}
