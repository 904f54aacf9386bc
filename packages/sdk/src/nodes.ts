import type { Clock } from './clock.ts'
import { type Connection, createConnection, type Exchange, type RawReply } from './connection.ts'
import { createSignOfLife } from './sign-of-life.ts'

/**
 * The schedulers that may be asked, and which of them is.
 *
 * Each transport begins with one chosen by chance, so that many clients spread over all, and stays with it: kept
 * connections and caches are worth more than turns. Whoever fails is left for the next, and passed over for a while. The
 * one chosen first is the home: when its while is over and it says that it is ready, it is returned to, so that one
 * restart after the other does not gather all clients at the node that was restarted first.
 */
export interface Nodes {
  readonly urls: readonly string[]
  current(): Node
  /**
   * Calls run side by side: only who saw the current one fail moves on, so that one outage moves once.
   * @returns whom it is gone on with, where this has changed it
   */
  moveOn(failed: Node): Node | null
  close(): void
}

export interface Node {
  readonly url: string
  /** @throws ConnectionFault, also when nothing comes from the node at all while an answer is waited for */
  exchange(exchange: Exchange): Promise<RawReply>
}

export interface NodesParts {
  readonly urls: readonly URL[]
  readonly headers: Readonly<Record<string, string>>
  readonly clock: Clock
}

/** A node that failed is passed over for this long, and half as long again by chance. */
const coolDownMs = 20_000
const readyMsMax = 2_000
/** Nobody reads what it says beyond its status. */
const replyBytesMax = 65_536

interface Member extends Node {
  failedMs: number
  coolDownMs: number
  readonly isReady: (signal: AbortSignal) => Promise<boolean>
  readonly close: () => void
}

export function createNodes({ urls, headers, clock }: NodesParts): Nodes {
  const closing = new AbortController()
  const members = urls.map(url => createMember({ url, headers, clock, hasOthers: urls.length > 1 }))
  const [first, ...others] = members
  if (first === undefined) throw new Error('There is no node.')
  const home = members[Math.floor(clock.random() * members.length)] ?? first
  let current = home
  let isLooking = false

  function moveOn(failed: Node): Node | null {
    const left = members.find(member => member === failed)
    if (left === undefined || others.length === 0) return null
    left.failedMs = clock.monotonic()
    left.coolDownMs = coolDownMs * (1 + clock.random() / 2)
    if (current !== left) return null
    const at = members.indexOf(left)
    const inTurn = [...members.slice(at + 1), ...members.slice(0, at)]
    current = inTurn.find(isCool) ?? inTurn.reduce((one, other) => (other.failedMs < one.failedMs ? other : one))
    return current
  }

  function isCool(member: Member): boolean {
    return clock.monotonic() - member.failedMs >= member.coolDownMs
  }

  /** Nobody waits for the answer: calls go on where they are until it is there. */
  async function lookHome(): Promise<void> {
    isLooking = true
    home.failedMs = clock.monotonic()
    if ((await home.isReady(closing.signal)) && !closing.signal.aborted) current = home
    isLooking = false
  }

  return Object.freeze<Nodes>({
    urls: members.map(member => member.url),
    current: () => {
      if (current !== home && !isLooking && isCool(home)) void lookHome()
      return current
    },
    moveOn,
    close: () => {
      closing.abort()
      for (const member of members) member.close()
    },
  })
}

function createMember(parts: {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly clock: Clock
  readonly hasOthers: boolean
}): Member {
  const { url, headers, clock, hasOthers } = parts
  const connection = createConnection(url, headers, clock)
  // Connections of its own: those of the calls may all be taken by long polls.
  const aside: Connection | null = hasOthers ? createConnection(url, headers, clock) : null
  const ask = async (path: string, timeoutMs: number, signal: AbortSignal): Promise<number> => {
    const reply = await aside?.exchange({ method: 'GET', path, timeoutMs, replyBytesMax, signal })
    return reply?.status ?? 0
  }
  const life = hasOthers
    ? createSignOfLife({ clock, ask: (timeoutMs, signal) => ask('/livez', timeoutMs, signal) })
    : null
  return {
    url: connection.url,
    failedMs: Number.NEGATIVE_INFINITY,
    coolDownMs: 0,
    exchange: async exchange => {
      if (life === null) return connection.exchange(exchange)
      const reply = await connection.exchange({ ...exchange, watch: life.watch })
      life.heard()
      return reply
    },
    isReady: async signal => {
      try {
        return (await ask('/readyz', readyMsMax, signal)) === 200
      } catch {
        return false
      }
    },
    close: () => {
      life?.close()
      connection.close()
      aside?.close()
    },
  }
}
