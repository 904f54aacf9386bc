import pg from 'pg'
import type { Broker, Hint } from '../../ports/broker.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/log.ts'
import { createOutbox, readNotice } from './notices.ts'

export interface PostgresBrokerParts {
  /** Of a direct connection: a pooler in transaction mode does not pass LISTEN on. */
  readonly url: string
  readonly clock: Clock
  readonly log: Log
}

const channel = 'tasklane_hints'
const applicationName = 'tasklane hints'
/** Each node has one such connection. */
const nodesHere = `SELECT count(*)::int AS nodes FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = $1`
/** At most one NOTIFY in so long; the first one goes at once. */
const notifyEveryMs = 5
/** Where it tells only what nobody waits for. */
const notifyIdlyEveryMs = 500
const firstRetryMs = 100
const lastRetryMs = 5_000
/** Between two signs that the connection still passes anything on. */
const lookEveryMs = 5_000
const answerWithinMs = 5_000

/**
 * Hints by LISTEN and NOTIFY, on one connection of their own. They are gathered while one is under way, so that however
 * many commits there are, there are few notifications; and they never wait for the disk. While the connection is away
 * hints are dropped; when it is back, everybody here looks at everything.
 */
export function createPostgresBroker({ url, clock, log }: PostgresBrokerParts): Broker {
  const self = nameNode(clock)
  const outbox = createOutbox(self)
  const listeners = new Set<(hint: Hint) => void>()
  let client: pg.Client | null = null
  let isClosed = false
  let isSending = false
  /** Until when the next notification waits; null: none is planned. */
  let plannedMs: number | null = null
  let cancelFlush = (): void => {}
  let lastSentMs = Number.NEGATIVE_INFINITY
  let retryMs = firstRetryMs
  let cancelTimer = (): void => {}

  const tell = (hint: Hint): void => {
    for (const listener of listeners) listener(hint)
  }

  async function connect(): Promise<void> {
    if (isClosed) return
    const next = new pg.Client({
      connectionString: directUrl(url),
      application_name: applicationName,
      keepAlive: true,
      connectionTimeoutMillis: answerWithinMs,
      query_timeout: answerWithinMs,
    })
    next.on('error', () => {})
    next.on('end', () => {
      if (client !== next) return
      client = null
      log.warn({}, 'The connection for hints is lost; other nodes are heard of by polling until it is back.')
      retryLater()
    })
    next.on('notification', ({ payload }) => {
      for (const hint of readNotice(payload ?? '', self)) tell(hint)
    })
    try {
      await next.connect()
      // A notification is a hint: nobody waits until it is on the disk.
      await next.query(`SET synchronous_commit = off; LISTEN ${channel}`)
    } catch (error) {
      await next.end().catch(() => {})
      log.debug({ err: error }, 'No connection for hints yet.')
      retryLater()
      return
    }
    if (isClosed) return void next.end().catch(() => {})
    client = next
    retryMs = firstRetryMs
    outbox.clear()
    tell({ kind: 'resync' })
    lookLater(next)
  }

  function retryLater(): void {
    if (isClosed) return
    cancelTimer()
    cancelTimer = clock.after(retryMs * (0.5 + clock.random() / 2), () => void connect())
    retryMs = Math.min(lastRetryMs, retryMs * 2)
  }

  /** A network that was cut in silence is noticed by asking. */
  function lookLater(of: pg.Client): void {
    cancelTimer = clock.after(lookEveryMs, () => {
      of.query('SELECT 1').then(
        () => {
          if (client === of) lookLater(of)
        },
        () => void of.end().catch(() => {}),
      )
    })
  }

  function flush(): void {
    plannedMs = null
    const notice = client === null ? null : outbox.take()
    if (client === null || notice === null) return
    isSending = true
    lastSentMs = clock.monotonic()
    const sent = client.query('SELECT pg_notify($1, $2)', [channel, notice])
    sent
      .catch((error: unknown) => log.debug({ err: error }, 'A hint was lost.'))
      .finally(() => {
        isSending = false
        planFlush()
      })
  }

  function planFlush(): void {
    if (isSending || client === null || outbox.isEmpty()) return
    const nextMs = lastSentMs + (outbox.isUrgent() ? notifyEveryMs : notifyIdlyEveryMs)
    if (plannedMs !== null && plannedMs <= nextMs) return
    cancelFlush()
    plannedMs = nextMs
    const waitMs = nextMs - clock.monotonic()
    if (waitMs <= 0) clock.soon(flush)
    else cancelFlush = clock.after(waitMs, flush)
  }

  void connect()

  return Object.freeze<Broker>({
    publish: hints => {
      if (client === null) return
      for (const hint of hints) outbox.put(hint)
      planFlush()
    },
    listen: onHint => {
      listeners.add(onHint)
      return () => listeners.delete(onHint)
    },
    status: () => (client === null ? 'degraded' : 'connected'),
    countNodes: async () => {
      try {
        const reply = await client?.query<{ nodes: number }>(nodesHere, [applicationName])
        return reply?.rows[0]?.nodes ?? null
      } catch (error) {
        log.debug({ err: error }, 'The nodes could not be counted.')
        return null
      }
    },
    close: async () => {
      isClosed = true
      cancelTimer()
      cancelFlush()
      const last = client
      client = null
      await last?.end().catch(() => {})
    },
  })
}

/** Tells one's own notifications from those of others. */
function nameNode(clock: Clock): string {
  const bytes = new Uint8Array(6)
  clock.fillRandom(bytes)
  return Buffer.from(bytes).toString('base64url')
}

/** The driver takes our own parameter for one of the server's. */
function directUrl(url: string): string {
  const direct = new URL(url)
  direct.searchParams.delete('pgbouncer')
  return direct.href
}
