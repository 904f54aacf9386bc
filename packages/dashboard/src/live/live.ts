import type { Query, QueryClient } from '@tanstack/react-query'
import type { Stats, TaskGraph } from '@tasklane/protocol'
import { useSyncExternalStore } from 'react'
import { ApiError, isUnreachable, openStream } from '../api/http.ts'
import type { TaskChange } from '../api/types.ts'
import { patchCache } from './patch.ts'
import { createRowKeeper, type RowKeeper } from './rows.ts'
import { readEvents, type StreamEvent } from './sse.ts'

/** `away`: the scheduler cannot be reached; what is shown is as old as the last word from it. */
export type LiveState = 'connecting' | 'live' | 'reconnecting' | 'polling' | 'away' | 'paused'

/** Four paints a second are enough to look live, and no flood of events gets past them. */
const paintMs = 250
/** What cannot be patched is fetched again: the first time soon, so that it looks live, and then at most this often. */
const refetchSoonMs = 120
const refetchMs = 1_000
/** To look for a text above a list walks over all tasks, where it finds none. */
const searchAgainMs = 5_000
/** A graph of two thousand costs a third of a megabyte: the larger, the seldomer. */
const graphMsPerNode = 1
const failuresUntilPolling = 3
const retryMs = 250
const retryMaxMs = 15_000
/** Events of tasks that nobody shows need no room; above this they count as "more". */
const bufferMax = 5_000
/** The scheduler says something every 15 s; a stream that is silent for longer is dead. */
const silenceMs = 45_000

/** One stream for this page: keeps the cache right while it stands, and says when it does not. */
export class Live {
  #state: LiveState = 'connecting'
  #retryAtMs = 0
  #heardAtMs = 0
  #isFirst = true
  readonly #listeners = new Set<() => void>()
  readonly #client: QueryClient
  #isWanted = true
  #run: AbortController | null = null
  #lastId: string | null = null
  #failures = 0
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  #changes = new Map<string, TaskChange>()
  #stale = new Set<string>()
  #paintTimer: ReturnType<typeof setTimeout> | undefined
  #refetchTimer: ReturnType<typeof setTimeout> | undefined
  #refetchedAtMs = 0
  #rowsTimer: ReturnType<typeof setTimeout> | undefined
  readonly #rows: RowKeeper

  constructor(client: QueryClient) {
    this.#client = client
    this.#rows = createRowKeeper(client)
  }

  get state(): LiveState {
    return this.#state
  }

  /** When the stream is asked for again. */
  get retryAtMs(): number {
    return this.#retryAtMs
  }

  /** When the scheduler was last heard; 0 where it never was. */
  get heardAtMs(): number {
    return this.#heardAtMs
  }

  readonly listen = (tell: () => void): (() => void) => {
    this.#listeners.add(tell)
    return () => this.#listeners.delete(tell)
  }

  start(): () => void {
    document.addEventListener('visibilitychange', this.#onVisibility)
    window.addEventListener('online', this.#onOnline)
    this.#connect()
    return () => {
      document.removeEventListener('visibilitychange', this.#onVisibility)
      window.removeEventListener('online', this.#onOnline)
      this.#stop()
    }
  }

  setWanted(isWanted: boolean): void {
    this.#isWanted = isWanted
    if (isWanted) this.#resume()
    else {
      this.#stop()
      this.#say('paused')
    }
  }

  readonly #onVisibility = (): void => {
    if (!this.#isWanted) return
    if (document.hidden) this.#stop()
    else this.#resume()
  }

  readonly #onOnline = (): void => {
    if (this.#isWanted && !document.hidden) this.#resume()
  }

  #resume(): void {
    this.#stop()
    this.#failures = 0
    this.#catchUp()
    this.#connect()
  }

  /** What happened meanwhile was not seen: everything that is shown is asked for again. */
  #catchUp(): void {
    this.#refetchedAtMs = performance.now()
    void this.#client.invalidateQueries({ predicate: query => query.queryKey[0] !== 'me' })
  }

  #stop(): void {
    clearTimeout(this.#retryTimer)
    clearTimeout(this.#paintTimer)
    clearTimeout(this.#refetchTimer)
    clearTimeout(this.#rowsTimer)
    this.#rowsTimer = undefined
    this.#paintTimer = undefined
    this.#refetchTimer = undefined
    this.#changes = new Map()
    this.#stale = new Set()
    // What was missed is fetched, so that nothing has to be told again.
    this.#lastId = null
    this.#run?.abort()
    this.#run = null
  }

  #say(state: LiveState): void {
    if (state === this.#state) return
    this.#state = state
    for (const tell of this.#listeners) tell()
  }

  #connect(): void {
    const run = new AbortController()
    this.#run = run
    this.#read(run).then(
      () => this.#failed(run),
      error => this.#failed(run, error),
    )
  }

  async #read(run: AbortController): Promise<void> {
    const topics = 'tasks,workers,queues,stats,alerts'
    const reply = await openStream('api/events', { topics }, this.#lastId, run.signal)
    if (reply.body === null) return
    let silence: ReturnType<typeof setTimeout> | undefined
    const heard = () => {
      this.#heardAtMs = Date.now()
      clearTimeout(silence)
      silence = setTimeout(() => run.abort(), silenceMs)
    }
    const watched = reply.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (piece, out) => {
          heard()
          out.enqueue(piece)
        },
      }),
    )
    heard()
    // A node that was started anew knows nothing of what was missed, and pages that failed meanwhile have not asked again.
    if (!this.#isFirst || this.#failures > 0) this.#catchUp()
    this.#failures = 0
    this.#isFirst = false
    this.#say('live')
    try {
      for await (const event of readEvents(watched)) this.#take(event)
    } finally {
      clearTimeout(silence)
    }
  }

  #failed(run: AbortController, error?: unknown): void {
    if (this.#run !== run) return
    this.#failures += 1
    if (error instanceof ApiError && error.status === 401) void this.#client.invalidateQueries({ queryKey: ['me'] })
    const isAbsent = error instanceof ApiError && (error.status === 404 || error.status === 403)
    // Chance spreads the pages of all who were cut off by the same restart.
    const wait = isAbsent ? 60_000 : Math.min(retryMaxMs, retryMs * 2 ** this.#failures) * (0.5 + Math.random() / 2)
    this.#retryAtMs = Date.now() + wait
    clearTimeout(this.#retryTimer)
    this.#retryTimer = setTimeout(() => this.#connect(), wait)
    const isLong = this.#failures >= failuresUntilPolling
    this.#say(isLong && isUnreachable(error) ? 'away' : isAbsent || isLong ? 'polling' : 'reconnecting')
    // Another wait of the same state counts down from another number.
    for (const tell of this.#listeners) tell()
  }

  #take({ id, event, data }: StreamEvent): void {
    if (id !== null) this.#lastId = id
    // What each event carries is written down with the call in the OpenAPI document.
    if (event === 'tasks') this.#takeTasks(JSON.parse(data) as { changed: TaskChange[]; more: number })
    else if (event === 'stats') this.#takeStats(JSON.parse(data) as Stats)
    else if (event === 'workers') this.#refetchSoon('workers')
    else if (event === 'queues') this.#refetchSoon('queues')
    else if (event === 'alerts') this.#refetchSoon('alerts', 'attention')
    else if (event === 'reset') this.#catchUp()
  }

  #takeStats(stats: Stats): void {
    if (typeof stats === 'object' && 'tasks' in stats) this.#client.setQueryData(['stats'], stats)
    else this.#refetchSoon('stats')
  }

  #takeTasks({ changed, more }: { readonly changed: readonly TaskChange[]; readonly more: number }): void {
    let isMore = more > 0
    for (const change of changed) {
      const before = this.#changes.get(change.task_id)
      // Of two changes within one paint each may say what the other does not.
      if (before !== undefined) this.#changes.set(change.task_id, { ...before, ...change })
      else if (this.#changes.size < bufferMax) this.#changes.set(change.task_id, change)
      else isMore = true
    }
    if (isMore) {
      this.#refetchSoon('tasks', 'task')
      this.#rows.doubt()
      this.#keepRows()
    }
    this.#paintTimer ??= setTimeout(() => this.#paint(), paintMs)
  }

  #paint(): void {
    this.#paintTimer = undefined
    const changes = this.#changes
    this.#changes = new Map()
    for (const id of patchCache(this.#client, changes)) void this.#client.invalidateQueries({ queryKey: ['task', id] })
    if ([...changes.values()].some(change => change.status === 'failed')) this.#refetchSoon('failures')
    this.#refetchSoon('tasks:short')
  }

  /** Round after round, until no row is in doubt. */
  #keepRows(): void {
    this.#rowsTimer ??= setTimeout(() => {
      this.#rows.round().then(
        changes => {
          this.#rowsTimer = undefined
          if (changes === null || this.#run === null) return
          patchCache(this.#client, new Map(changes.map(change => [change.task_id, change])))
          this.#keepRows()
        },
        () => {
          this.#rowsTimer = undefined
        },
      )
    }, refetchMs)
  }

  #refetchSoon(...kinds: readonly string[]): void {
    for (const kind of kinds) this.#stale.add(kind)
    const wait = Math.max(refetchSoonMs, this.#refetchedAtMs + refetchMs - performance.now())
    this.#refetchTimer ??= setTimeout(() => this.#refetch(), wait)
  }

  #refetch(): void {
    this.#refetchTimer = undefined
    this.#refetchedAtMs = performance.now()
    const stale = this.#stale
    this.#stale = new Set()
    const again = new Set<string>()
    void this.#client.invalidateQueries({
      predicate: query => {
        const [kind, second] = query.queryKey
        // The list itself is never fetched anew under the mouse: its head tells what is new.
        const kinds = kind === 'tasks' ? (second === 'list' ? [] : ['tasks', 'tasks:short']) : [kind]
        const asked = kinds.find(each => typeof each === 'string' && stale.has(each))
        if (typeof asked !== 'string') return false
        // What is on its way comes to its end: where answers take longer than changes, none would ever arrive.
        const isUnderWay = query.state.fetchStatus === 'fetching'
        const isDue = !isUnderWay && Date.now() - query.state.dataUpdatedAt >= waitMs(query)
        if (!isDue && query.isActive()) again.add(asked)
        return isDue
      },
    })
    if (again.size > 0) this.#refetchSoon(...again)
  }
}

/** How old what was read is to be before it is read again. */
function waitMs({ queryKey: [kind, second, third], state }: Query): number {
  if (kind === 'task' && third === 'graph') {
    const { nodes = [] } = (state.data ?? {}) as Partial<TaskGraph> // The key says so; api/queries.ts makes them.
    return nodes.length * graphMsPerNode
  }
  const isSearch = kind === 'tasks' && second === 'head' && typeof third === 'object' && third !== null && 'q' in third
  return isSearch ? searchAgainMs : 0
}

let shared: Live | null = null

export function liveOf(client: QueryClient): Live {
  shared ??= new Live(client)
  return shared
}

const silent = () => () => {}

/** When the stream is asked for again, and when the scheduler was last heard. */
export function useLiveTimes(): { readonly retryAtMs: number; readonly heardAtMs: number } {
  const retryAtMs = useSyncExternalStore(shared?.listen ?? silent, () => shared?.retryAtMs ?? 0)
  return { retryAtMs, heardAtMs: shared?.heardAtMs ?? 0 }
}

export function useLiveState(): LiveState {
  return useSyncExternalStore(shared?.listen ?? silent, () => shared?.state ?? 'connecting')
}

/** How often to ask: seldom while events come, often while they do not, never while paused. */
export function useInterval(pollMs: number, liveMs = 30_000): number | false {
  const state = useLiveState()
  if (state === 'paused') return false
  return state === 'live' ? liveMs : pollMs
}
