import type { ServerResponse } from 'node:http'
import type { Principal } from '../../core/access.ts'
import { seesOwnTasksOnly } from '../../core/access.ts'
import { Problem } from '../../core/problem.ts'
import type { Engine, TaskChange } from '../../engine/engine.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/log.ts'
import { dataOf, eventText, heartbeatText, type Topic } from './event-text.ts'
import { createGathering, type Gathered } from './gathering.ts'

/**
 * Live events for pages. While somebody listens, what the engine tells is gathered and sent four times a second; with
 * nobody it is not even made. A stream holds nothing of its own: what a slow reader has not taken is the socket's, up to a
 * bound, and beyond it the reader is told to fetch everything anew.
 */
export interface Streams {
  /** Throws where there are too many, in all or of this address. */
  check(address: string): void
  /** The head of the reply has been written. */
  open(stream: StreamAsk): void
  readonly count: () => number
  /** Ends all of them; none is opened any more. */
  stop(): void
}

export interface StreamAsk {
  readonly response: ServerResponse
  readonly address: string
  readonly principal: Principal
  readonly topics: ReadonlySet<Topic>
  /** Where a reader that comes back stopped; null where it begins. */
  readonly lastId: string | null
  /** The totals as this caller sees them. */
  readonly stats: () => Promise<unknown>
  /** Whether the caller may still listen: a session ends, a user is disabled. */
  readonly isStillWelcome: () => boolean | Promise<boolean>
}

interface Stream extends StreamAsk {
  isBehind: boolean
  end(): void
}

const gatherMs = 250
const statsMs = 1_000
const heartbeatMs = 15_000
const welcomeMs = 1_000
/** Unsent bytes of one stream; above, it is behind. */
const unsentBytesMax = 262_144
/** Messages that are kept: some 25 seconds of a flood, hours of a quiet day. */
const ringMax = 100
const streamsMax = 2_000
const streamsOfAddressMax = 200
/** After the last stream closed, so that a page that is loaded again goes on where it was. */
const lingerMs = 60_000

/** Of what a submitter does not hear. */
const untold = { workers: { changed: [], more: 0 }, queues: { changed: [], more: 0 }, alerts: { changed: [], more: 0 } }

interface Past {
  readonly number: number
  readonly gathered: Gathered
}

export function createStreams(parts: { readonly engine: Engine; readonly clock: Clock; readonly log: Log }): Streams {
  const { engine, clock, log } = parts
  const streams = new Set<Stream>()
  const gathering = createGathering()
  let node = newName()
  let ring: Past[] = []
  let number = 0
  let isStopped = false
  let stopWatching: (() => void) | null = null
  let cancelFlush: (() => void) | null = null
  let cancelTick: (() => void) | null = null
  let ticks = 0
  let closedMs = 0
  let areStatsOld = false
  let areStatsAsked = false

  function newName(): string {
    const bytes = new Uint8Array(6)
    clock.fillRandom(bytes)
    return Buffer.from(bytes).toString('hex')
  }

  function watch(): void {
    if (stopWatching !== null) return
    node = newName()
    stopWatching = engine.watch(news => {
      gathering.add(news)
      areStatsOld = true
      cancelFlush ??= clock.after(gatherMs, flush)
    })
    cancelTick = clock.after(welcomeMs, tick)
  }

  function unwatch(): void {
    stopWatching?.()
    stopWatching = null
    cancelFlush?.()
    cancelFlush = null
    cancelTick?.()
    cancelTick = null
    gathering.take()
    ring = []
  }

  function flush(): void {
    cancelFlush = null
    if (gathering.isEmpty()) return
    number += 1
    const past = { number, gathered: gathering.take() }
    ring.push(past)
    if (ring.length > ringMax) ring.shift()
    const texts = new Map<string, string>()
    for (const stream of streams) sendPast(stream, past, texts)
  }

  /** Once a second: who may no longer listen is shown out, totals are told, and silence is broken now and then. */
  function tick(): void {
    cancelTick = clock.after(welcomeMs, tick)
    ticks += 1
    for (const stream of streams) askAgain(stream)
    if (ticks % (heartbeatMs / welcomeMs) === 0) for (const stream of streams) write(stream, heartbeatText)
    if (areStatsOld && ticks % (statsMs / welcomeMs) === 0) tellStats()
    if (streams.size === 0 && clock.monotonic() - closedMs > lingerMs) unwatch()
  }

  function askAgain(stream: Stream): void {
    Promise.resolve()
      .then(stream.isStillWelcome)
      .then(
        isWelcome => {
          if (!isWelcome) stream.end()
        },
        () => {}, // The store cannot say; it is asked again.
      )
  }

  function tellStats(): void {
    const listeners = [...streams].filter(stream => stream.topics.has('stats') && !stream.isBehind)
    if (listeners.length === 0 || areStatsAsked) return
    areStatsOld = false
    areStatsAsked = true
    // Whoever sees all sees the same; a submitter's own totals are dear, and its page asks for them itself.
    const [first] = listeners.filter(stream => !seesOwnTasksOnly(stream.principal))
    const told = first === undefined ? Promise.resolve(null) : first.stats()
    told
      .then(stats => {
        if (stats === null) return
        const text = eventText('stats', stats)
        for (const stream of listeners) if (!seesOwnTasksOnly(stream.principal)) write(stream, text)
      })
      .catch((error: unknown) => log.debug({ err: error }, 'Totals for live pages are asked again.'))
      .finally(() => {
        areStatsAsked = false
      })
  }

  function sendPast(stream: Stream, past: Past, texts: Map<string, string>): void {
    if (stream.isBehind) return
    const { principal } = stream
    if (seesOwnTasksOnly(principal)) {
      sendOwn(stream, past)
      return
    }
    const key = [...stream.topics].join()
    const text = texts.get(key) ?? textsOf(stream.topics, past.gathered, idOf(past))
    texts.set(key, text)
    if (text !== '') write(stream, text)
  }

  /** Who submitted a task is not always at hand; then it is asked, for this message only. */
  function sendOwn(stream: Stream, past: Past): void {
    const { principal } = stream
    const isOwn = (change: TaskChange): boolean => change.submittedBy === principal.name
    const { tasks } = past.gathered
    const unsure = tasks.changed.filter(change => change.submittedBy === undefined)
    const asked = unsure.length === 0 ? Promise.resolve([]) : engine.submittersOf(unsure.map(change => change.id))
    asked
      .then(known => {
        const own = new Set(known.filter(each => each.submittedBy === principal.name).map(each => each.id))
        const changed = tasks.changed.filter(change => isOwn(change) || own.has(change.id))
        // How many others changed tells of other people's work; that something did is all it needs.
        const gathered = { tasks: { changed, more: Math.min(1, tasks.more) }, ...untold }
        const text = textsOf(stream.topics, gathered, idOf(past))
        if (text !== '' && !stream.isBehind) write(stream, text)
      })
      .catch(() => reset(stream, 'store_unavailable'))
  }

  function textsOf(wanted: ReadonlySet<Topic>, gathered: Gathered, id: string): string {
    return [...wanted]
      .map(topic => {
        const data = dataOf(topic, gathered)
        return data === null ? '' : eventText(topic, data, id)
      })
      .join('')
  }

  function idOf(past: Past): string {
    return `${node}-${past.number}`
  }

  function write(stream: Stream, text: string): void {
    const { response } = stream
    if (stream.isBehind || response.destroyed || response.writableEnded) return
    response.write(text)
    if (response.writableLength <= unsentBytesMax) return
    stream.isBehind = true
    response.once('drain', () => {
      stream.isBehind = false
      reset(stream, 'slow_reader')
    })
  }

  function reset(stream: Stream, reason: string): void {
    write(stream, eventText('reset', { reason }, `${node}-${number}`))
  }

  /** What the reader missed, if it is all still there. */
  function goOn(stream: Stream, lastId: string | null): void {
    if (lastId === null) return
    const [of, text] = lastId.split('-')
    const last = Number(text)
    const first = ring[0]?.number ?? number + 1
    const isKnown = of === node && Number.isInteger(last) && last <= number && last >= first - 1
    if (!isKnown) reset(stream, 'too_long_ago')
    else for (const past of ring) if (past.number > last) sendPast(stream, past, new Map())
  }

  return Object.freeze<Streams>({
    check(address) {
      if (isStopped) throw new Problem('stopping')
      const sameAddress = [...streams].filter(stream => stream.address === address).length
      if (streams.size >= streamsMax || sameAddress >= streamsOfAddressMax) {
        throw new Problem(
          'overloaded',
          `This node has ${streams.size} live streams, ${sameAddress} of them for your address; close some of them.`,
        )
      }
    },
    open(ask) {
      watch()
      const { response } = ask
      const stream: Stream = { ...ask, isBehind: false, end: () => response.end() }
      streams.add(stream)
      response.once('close', () => {
        streams.delete(stream)
        closedMs = clock.monotonic()
      })
      write(
        stream,
        `retry: 2000\n${eventText('hello', { node, now: new Date(clock.now()).toISOString() }, `${node}-${number}`)}`,
      )
      goOn(stream, ask.lastId)
    },
    count: () => streams.size,
    stop() {
      isStopped = true
      unwatch()
      for (const stream of streams) stream.end()
    },
  })
}
