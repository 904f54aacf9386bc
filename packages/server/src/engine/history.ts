import { createUuidV7, type StatsHistory } from '@tasklane/protocol'
import { addCell, countTime, emptyCell, type RateCell, readCell, toPoints, writeCell } from '../core/rate-cells.ts'
import type { Clock } from '../ports/clock.ts'
import type { HistoryCell } from '../ports/history.ts'
import type { Log } from '../ports/log.ts'
import type { Store } from '../ports/store.ts'
import type { Engine, EngineEvent } from './engine.ts'

/** Cells of five seconds are kept for the last minutes, those of a minute for two days. */
const fineMs = 5_000
const coarseMs = 60_000
const keepFineMs = 600_000
const keepCoarseMs = 48 * 3_600_000
const pruneEveryMs = 600_000
const pruneMax = 10_000
/** Queues with a series of their own in one cell; what happens in further ones is told of all together only. */
const queuesMax = 50
const readMax = 200_000

/**
 * Writes down what this node's engine tells, every few seconds in one small transaction. A node has rows of its own and
 * writes them anew while their cell grows, so that nodes add up and a restart begins new rows. What cannot be written
 * stays until the next time; what a crash takes along is the last five seconds.
 */
export function keepHistory(parts: {
  engine: Pick<Engine, 'observe'>
  store: Store
  clock: Clock
  log: Log
}): KeptHistory {
  const { engine, store, clock, log } = parts
  const node = createUuidV7(clock.now, clock.fillRandom)()
  let current = new Map<string, RateCell>()
  let fine: OpenCells = { atMs: 0, cells: new Map() }
  let minute: OpenCells = { atMs: 0, cells: new Map() }
  let unwritten: HistoryCell[] = []
  let sinceMs = clock.now()
  let pruneFromMs = clock.monotonic() + fineMs
  let writing: Promise<void> = Promise.resolve()
  const stopObserving = engine.observe(note)
  let cancelTimer = clock.after(fineMs, tick)

  function note(event: EngineEvent): void {
    if (event.kind === 'attempt_failed') {
      if (event.willRetry) cellOf(current, '').retried += 1
    } else if (event.kind === 'submitted' || event.kind === 'ended') {
      count(cellOf(current, ''), event)
      if (current.has(event.queue) || current.size <= queuesMax) count(cellOf(current, event.queue), event)
    }
  }

  function tick(): void {
    cancelTimer = clock.after(fineMs, tick)
    writing = writing.then(write).catch((error: unknown) => log.debug({ err: error }, 'The history is written later.'))
  }

  async function write(): Promise<void> {
    const [counts, present] = await Promise.all([store.counts(), store.presence()])
    const alive = present.filter(worker => worker.lastSeenAtMs + worker.leaseMs >= worker.nowMs)
    cellOf(current, '').levels = {
      waiting: counts.pending + counts.scheduled + counts.blocked,
      running: counts.running,
      workers: alive.length,
      slots: alive.reduce((sum, worker) => sum + worker.slots, 0),
      slotsUsed: counts.running,
    }
    gather()
    const cells = unwritten
    unwritten = []
    try {
      await store.putHistory(cells)
    } catch (error) {
      // Newer ones replace these; bounded, should the store stay away.
      unwritten = [...cells, ...unwritten].slice(-1_000)
      throw error
    }
    if (clock.monotonic() < pruneFromMs) return
    pruneFromMs = clock.monotonic() + pruneEveryMs
    await store.pruneHistory(fineMs, clock.now() - keepFineMs, pruneMax)
    await store.pruneHistory(coarseMs, clock.now() - keepCoarseMs, pruneMax)
  }

  /** Adds what was counted since the last time to the cells in which that time began. */
  function gather(): void {
    if (fine.atMs !== beginOf(sinceMs, fineMs)) fine = { atMs: beginOf(sinceMs, fineMs), cells: new Map() }
    if (minute.atMs !== beginOf(sinceMs, coarseMs)) minute = { atMs: beginOf(sinceMs, coarseMs), cells: new Map() }
    for (const [queue, counted] of current) {
      for (const [stepMs, { atMs, cells }] of [[fineMs, fine] as const, [coarseMs, minute] as const]) {
        const sum = cellOf(cells, queue)
        addCell(sum, counted)
        if (counted.levels !== null) sum.levels = counted.levels
        unwritten.push({ stepMs, queue, atMs, node, cell: writeCell(sum) })
      }
    }
    current = new Map()
    sinceMs = clock.now()
  }

  return {
    stop: async () => {
      cancelTimer()
      stopObserving()
      tick()
      cancelTimer()
      await writing
    },
  }
}

export interface KeptHistory {
  /** Writes what was counted last. */
  stop(): Promise<void>
}

interface OpenCells {
  readonly atMs: number
  readonly cells: Map<string, RateCell>
}

function cellOf(cells: Map<string, RateCell>, queue: string): RateCell {
  const found = cells.get(queue) ?? emptyCell()
  cells.set(queue, found)
  return found
}

function count(cell: RateCell, event: Extract<EngineEvent, { kind: 'submitted' | 'ended' }>): void {
  if (event.kind === 'submitted') {
    cell.submitted += event.count
    return
  }
  cell[event.state] += 1
  if (event.waitMs !== null) countTime(cell.waits, event.waitMs)
  if (event.runMs !== null) countTime(cell.runs, event.runMs)
}

function beginOf(atMs: number, stepMs: number): number {
  return Math.floor(atMs / stepMs) * stepMs
}

/** The last minutes in points of `stepMs`, whole minutes or five seconds; the last point is the one that still grows. */
export async function readHistory(
  store: Store,
  nowMs: number,
  ask: { readonly minutes: number; readonly stepMs: number; readonly queue: string | null },
): Promise<StatsHistory> {
  const { minutes, stepMs, queue } = ask
  const count = Math.ceil((minutes * 60_000) / stepMs)
  const fromMs = beginOf(nowMs, stepMs) - (count - 1) * stepMs
  const from = { stepMs: stepMs < coarseMs ? fineMs : coarseMs, queue: queue ?? '', fromMs, limit: readMax }
  const points = toPoints(await store.history(from), { fromMs, stepMs, count })
  return {
    from: new Date(fromMs).toISOString(),
    step: stepMs / 1_000,
    points: points.map(({ atMs, waitP95Ms, runP95Ms, levels, retried, ...counts }) => ({
      at: new Date(atMs).toISOString(),
      ...counts,
      retried: queue === null ? retried : null,
      wait_p95_ms: waitP95Ms,
      run_p95_ms: runP95Ms,
      waiting: levels?.waiting ?? null,
      running: levels?.running ?? null,
      workers: levels?.workers ?? null,
      slots: levels?.slots ?? null,
      slots_used: levels?.slotsUsed ?? null,
    })),
  }
}

/** How many tasks completed and failed within the last seconds, at all nodes; of this queue, where one is named. */
export async function countEnded(
  store: Pick<Store, 'history'>,
  { nowMs, windowMs, queue }: { readonly nowMs: number; readonly windowMs: number; readonly queue: string | null },
): Promise<Pick<RateCell, 'completed' | 'failed'>> {
  const stepMs = windowMs < keepFineMs ? fineMs : coarseMs
  const sum = emptyCell()
  const cells = await store.history({ stepMs, queue: queue ?? '', fromMs: nowMs - windowMs, limit: readMax })
  for (const { cell } of cells) addCell(sum, readCell(cell))
  return sum
}
