import { cancelGraceMs, deadlineGraceMs } from '../../core/lease.ts'
import type { TaskId } from '../../core/task.ts'
import type { BeatVerdict, HeldLease, WorkerBeat } from '../../ports/store.ts'
import { boolean, number, taskIdOf, text } from './rows.ts'
import type { Transaction } from './session.ts'
import { statements as sql } from './statements.ts'

/**
 * Signs of life: extend leases, take progress, and tell what to abort. An unknown worker's beat changes nothing. Beats of
 * different workers touch different rows, so that one statement takes them all; a worker's second beat of the same
 * exchange takes its turn after the first.
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
  const rows = await tx.connection.rows(
    sql.touchWorkers,
    tx.nowMs,
    beats.map(beat => beat.workerId),
    beats.map(beat => beat.systemInfo),
  )
  const draining = new Map(rows.map(row => [text(row[0]), boolean(row[1])]))
  const known = beats.filter(beat => draining.has(beat.workerId))
  const everything = await extendAll(
    tx,
    known.filter(beat => beat.held === 'all'),
  )
  const extended = await extendNamed(
    tx,
    known.flatMap(beat => (beat.held === 'all' ? [] : [{ beat, held: beat.held }])),
  )
  for (const beat of known) {
    const isDraining = draining.get(beat.workerId) === true
    const { cancel, lost } =
      beat.held === 'all'
        ? { cancel: everything.get(beat.workerId) ?? [], lost: [] }
        : toVerdict(beat.held, extended.get(beat))
    verdicts.set(beat, { isKnown: true, isDraining, cancel, lost })
  }
}

/** By worker, which of its tasks it is to abort. */
async function extendAll(
  tx: Transaction,
  beats: readonly WorkerBeat[],
): Promise<ReadonlyMap<string, readonly TaskId[]>> {
  const cancel = new Map<string, TaskId[]>()
  if (beats.length === 0) return cancel
  const rows = await tx.connection.rows(
    sql.extendAllLeases,
    tx.nowMs,
    deadlineGraceMs,
    cancelGraceMs,
    beats.map(beat => beat.workerId),
    beats.map(beat => beat.leaseMs),
  )
  const inOrder = [...rows].sort((one, other) => number(one[3]) - number(other[3]))
  for (const row of inOrder) {
    if (!boolean(row[2])) continue
    const worker = text(row[0])
    cancel.set(worker, [...(cancel.get(worker) ?? []), taskIdOf(row[1])])
  }
  return cancel
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
    const rows = await tx.connection.rows(
      sql.extendLeases,
      tx.nowMs,
      deadlineGraceMs,
      cancelGraceMs,
      round.map(({ lease }) => lease.taskId),
      round.map(({ lease }) => lease.epoch),
      round.map(({ beat }) => beat.workerId),
      round.map(({ beat }) => beat.leaseMs),
      round.map(({ lease }) => lease.progress),
    )
    const byId = new Map(rows.map(row => [text(row[0]), boolean(row[1])]))
    for (const { beat, lease } of round) {
      const isMarked = byId.get(lease.taskId)
      if (isMarked !== undefined) extended.get(beat)?.set(keyOf(lease), isMarked)
    }
  }
  return extended
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
