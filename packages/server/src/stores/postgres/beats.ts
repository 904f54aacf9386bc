import { cancelGraceMs, deadlineGraceMs } from '../../core/lease.ts'
import type { TaskId } from '../../core/task.ts'
import type { BeatVerdict, HeldLease, WorkerBeat } from '../../ports/store.ts'
import type { Statement } from './database.ts'
import { boolean, number, taskIdOf, text } from './rows.ts'
import type { Transaction } from './session.ts'
import { statements as sql } from './statements.ts'

/**
 * Signs of life: extend leases, take progress, and tell what to abort. An unknown worker's beat changes nothing. Beats of
 * different workers touch different rows, so that one statement takes them all; a worker's second beat of the same
 * exchange takes its turn after the first.
 *
 * A beat that waited for a task which another transaction is about to settle, while this one has settled what a beat over
 * there names, would be a deadlock; and settles and beats of the same tasks meet all the time. So a beat waits for nobody
 * where it need not: what another is at is not extended this time, if its lease lasts until the beats to come.
 */
export async function takeBeats(tx: Transaction, beats: readonly WorkerBeat[]): Promise<readonly BeatVerdict[]> {
  const verdicts = new Map<WorkerBeat, BeatVerdict>()
  for (let left = [...beats]; left.length > 0; ) {
    const seen = new Set<string>()
    const round = left.filter(beat => {
      const isFirst = !seen.has(beat.workerId)
      seen.add(beat.workerId)
      return isFirst
    })
    left = left.filter(beat => !round.includes(beat))
    await takeRound(tx, round, verdicts)
  }
  return beats.map(beat => verdicts.get(beat) ?? unknown)
}

const unknown: BeatVerdict = Object.freeze({ isKnown: false, isDraining: false, cancel: [], lost: [] })

async function takeRound(
  tx: Transaction,
  beats: readonly WorkerBeat[],
  verdicts: Map<WorkerBeat, BeatVerdict>,
): Promise<void> {
  const draining = await touch(tx, beats)
  const known = beats.filter(beat => draining.has(beat.workerId))
  const everything = await readHeld(
    tx,
    known.filter(beat => beat.held === 'all'),
  )
  const heldBy = ({ held, workerId }: WorkerBeat): readonly HeldLease[] =>
    held === 'all' ? (everything.get(workerId) ?? []) : held
  const extended = await extendNamed(
    tx,
    known.map(beat => ({ beat, held: heldBy(beat) })),
  )
  for (const beat of known) {
    const isDraining = draining.get(beat.workerId) === true
    const { cancel, lost } = toVerdict(heldBy(beat), extended.get(beat))
    verdicts.set(beat, { isKnown: true, isDraining, cancel, lost: beat.held === 'all' ? [] : lost })
  }
}

/** By worker, of those that are registered, whether it is draining. Whoever holds a row at this moment has seen its worker. */
async function touch(tx: Transaction, beats: readonly WorkerBeat[]): Promise<ReadonlyMap<string, boolean>> {
  if (beats.length === 0) return new Map()
  const ids = beats.map(beat => beat.workerId)
  const infos = beats.map(beat => beat.systemInfo)
  const touched = await tx.connection.rows(sql.touchWorkers, tx.nowMs, ids, infos)
  const rows = touched.length === ids.length ? touched : await tx.connection.rows(sql.draining, ids)
  return new Map(rows.map(row => [text(row[0]), boolean(row[1])]))
}

/** By worker, everything that it holds. */
async function readHeld(
  tx: Transaction,
  beats: readonly WorkerBeat[],
): Promise<ReadonlyMap<string, readonly HeldLease[]>> {
  const held = new Map<string, HeldLease[]>()
  if (beats.length === 0) return held
  const ids = beats.map(beat => beat.workerId)
  for (const row of await tx.connection.rows(sql.heldBy, ids)) {
    const worker = text(row[0])
    const lease = { taskId: taskIdOf(row[1]), epoch: number(row[2]), progress: null }
    held.set(worker, [...(held.get(worker) ?? []), lease])
  }
  return held
}

/** By task, whether it is to be aborted; what is not here was not this worker's. */
type Extended = ReadonlyMap<string, boolean>

/** The key of a lease that a worker named: with another epoch it is another lease. */
function keyOf(held: HeldLease): string {
  return `${held.epoch} ${held.taskId}`
}

async function extendNamed(
  tx: Transaction,
  asks: readonly { readonly beat: WorkerBeat; readonly held: readonly HeldLease[] }[],
): Promise<ReadonlyMap<WorkerBeat, Extended>> {
  const leases = asks.flatMap(({ beat, held }) => distinct(held).map(lease => ({ beat, lease })))
  const extended = new Map<WorkerBeat, Map<string, boolean>>(asks.map(({ beat }) => [beat, new Map()]))
  // Under two epochs a task may be named twice: then the second is asked for after the first.
  for (let left = leases; left.length > 0; ) {
    const seen = new Set<string>()
    const round = left.filter(({ lease }) => {
      const isFirst = !seen.has(lease.taskId)
      seen.add(lease.taskId)
      return isFirst
    })
    left = left.filter(each => !round.includes(each))
    const byId = await extendRound(tx, round)
    for (const { beat, lease } of round) {
      const isMarked = byId.get(lease.taskId)
      if (isMarked !== undefined) extended.get(beat)?.set(keyOf(lease), isMarked)
    }
  }
  return extended
}

interface Ask {
  readonly beat: WorkerBeat
  readonly lease: HeldLease
}

/** By task, of those that are held as they were named. */
async function extendRound(tx: Transaction, asks: readonly Ask[]): Promise<ReadonlyMap<string, boolean>> {
  const byId = new Map(await extend(tx, sql.extendLeases, asks))
  const missing = asks.filter(({ lease }) => !byId.has(lease.taskId))
  if (missing.length === 0) return byId
  const ids = missing.map(({ lease }) => lease.taskId)
  const live = new Map((await tx.connection.rows(sql.liveLeases, ids)).map(row => [text(row[0]), row]))
  const urgent: Ask[] = []
  for (const ask of missing) {
    const { beat, lease } = ask
    const row = live.get(lease.taskId)
    if (row === undefined || row[1] !== beat.workerId || (lease.epoch !== null && row[2] !== lease.epoch)) continue
    // Progress would be lost, and so would be a lease that ends before the beats to come.
    if (lease.progress !== null || number(row[3]) < tx.nowMs + beat.leaseMs / 2) urgent.push(ask)
    else byId.set(lease.taskId, boolean(row[4]))
  }
  for (const [id, isMarked] of await extend(tx, sql.extendLeasesWaiting, urgent)) byId.set(id, isMarked)
  return byId
}

async function extend(
  tx: Transaction,
  statement: Statement,
  asks: readonly Ask[],
): Promise<readonly (readonly [string, boolean])[]> {
  if (asks.length === 0) return []
  const rows = await tx.connection.rows(
    statement,
    tx.nowMs,
    deadlineGraceMs,
    cancelGraceMs,
    asks.map(({ lease }) => lease.taskId),
    asks.map(({ lease }) => lease.epoch),
    asks.map(({ beat }) => beat.workerId),
    asks.map(({ beat }) => beat.leaseMs),
    asks.map(({ lease }) => lease.progress),
  )
  return rows.map(row => [text(row[0]), boolean(row[1])] as const)
}

/** One entry a lease; of one that is named again the latest progress counts. */
function distinct(held: readonly HeldLease[]): readonly HeldLease[] {
  const byKey = new Map<string, HeldLease>()
  for (const lease of held) {
    const progress = lease.progress ?? byKey.get(keyOf(lease))?.progress ?? null
    byKey.set(keyOf(lease), { ...lease, progress })
  }
  return [...byKey.values()]
}

function toVerdict(held: readonly HeldLease[], extended: Extended | undefined): Pick<BeatVerdict, 'cancel' | 'lost'> {
  const cancel: TaskId[] = []
  const lost: TaskId[] = []
  for (const lease of held) {
    const isMarked = extended?.get(keyOf(lease))
    if (isMarked === undefined) lost.push(lease.taskId)
    else if (isMarked) cancel.push(lease.taskId)
  }
  return { cancel, lost }
}
