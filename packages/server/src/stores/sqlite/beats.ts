import { leaseUntilMs } from '../../core/lease.ts'
import type { TaskId } from '../../core/task.ts'
import type { BeatVerdict, HeldLease, WorkerBeat } from '../../ports/store.ts'
import { type HeldRow, toHeldRow } from './rows.ts'
import type { Transaction } from './session.ts'

/** A sign of life: extends leases, takes progress, and tells what to abort. An unknown worker's beat changes nothing. */
export function takeBeat(tx: Transaction, beat: WorkerBeat): BeatVerdict {
  const worker = tx.sql.touchWorker.get(tx.nowMs, beat.systemInfo, beat.workerId)
  if (worker === undefined) return { isKnown: false, isDraining: false, cancel: [], lost: [] }
  const cancel: TaskId[] = []
  const lost: TaskId[] = []
  if (beat.held === 'all') {
    for (const row of tx.sql.leasesOfWorker.all(beat.workerId)) extend(tx, beat, toHeldRow(row), null, cancel)
  } else {
    for (const held of beat.held) {
      const row = findHeld(tx, beat, held)
      if (row === null) lost.push(held.taskId)
      else extend(tx, beat, row, held, cancel)
    }
  }
  return { isKnown: true, isDraining: worker[0] === 1, cancel, lost }
}

function findHeld(tx: Transaction, beat: WorkerBeat, held: HeldLease): HeldRow | null {
  const row = tx.sql.leaseById.get(held.taskId)
  if (row === undefined) return null
  const found = toHeldRow(row)
  const isHeld = found.isRunning && found.workerId === beat.workerId
  return isHeld && (held.epoch === null || held.epoch === found.epoch) ? found : null
}

function extend(tx: Transaction, beat: WorkerBeat, row: HeldRow, held: HeldLease | null, cancel: TaskId[]): void {
  const { deadlineMs, cancelRequestedAtMs } = row
  const until = leaseUntilMs({ nowMs: tx.nowMs, leaseMs: beat.leaseMs, deadlineMs, cancelRequestedAtMs })
  const progress = held?.progress ?? null
  // A bound in the past leaves the lease as it is.
  if (until > row.leaseUntilMs || progress !== null) {
    const next = Math.max(until, row.leaseUntilMs)
    tx.sql.extendLease.run(next, progress, row.number, row.epoch, beat.workerId)
  }
  if (cancelRequestedAtMs !== null) cancel.push(row.id)
}
