import { limits } from '@tasklane/protocol'
import { namesText, readNames } from '../../core/names.ts'
import { taskId, type WorkerId, workerId } from '../../core/task.ts'
import type { LeaseFacts, LogDraft, WorkerPresence, WorkerRecord, WorkerSettings } from '../../ports/store.ts'
import type { SqlRow } from './database.ts'
import { json, number, text, textOrNull, toHeldRow, toLeaseFacts } from './rows.ts'
import type { Session } from './session.ts'

export function registerWorker(
  session: Session,
  settings: WorkerSettings,
  leaseMs: number,
): { readonly orphans: readonly LeaseFacts[] } {
  return session.transact(tx => {
    const former = tx.sql.workerInstance.get(settings.id)
    const isSameInstance = former !== undefined && former[0] === settings.instance
    const registeredAtMs = isSameInstance ? number(former[1]) : tx.nowMs
    const orphans = tx.sql.leasesOfWorker
      .all(settings.id)
      // What a new instance finds cannot be its own; later, what was claimed in the very millisecond is taken for its own.
      .filter(row => !isSameInstance || number(row[8]) < registeredAtMs)
      .map(row => toLeaseFacts(row, tx.nowMs))
    tx.sql.writeWorker.run(
      settings.id,
      settings.instance,
      namesText(settings.capabilities),
      namesText(settings.queues),
      settings.slots,
      settings.labels,
      settings.types,
      leaseMs,
      registeredAtMs,
      tx.nowMs,
    )
    return { orphans }
  })
}

export function drainWorker(session: Session, id: WorkerId): boolean {
  return session.transact(tx => tx.sql.drainWorker.run(id).changes === 1)
}

export function removeWorker(session: Session, id: WorkerId): boolean {
  return session.transact(tx => tx.sql.deleteWorker.run(id).changes === 1)
}

export function leasesOf(session: Session, id: WorkerId): readonly LeaseFacts[] {
  const nowMs = session.clock.now()
  return session.sql.leasesOfWorker.all(id).map(row => toLeaseFacts(row, nowMs))
}

export function readWorkers(session: Session): readonly WorkerRecord[] {
  return session.reads.workers.all().map(row => toWorkerRecord(session, row))
}

export function readWorker(session: Session, id: WorkerId): WorkerRecord | null {
  const row = session.reads.worker.get(id)
  return row === undefined ? null : toWorkerRecord(session, row)
}

export function readPresence(session: Session): readonly WorkerPresence[] {
  const nowMs = session.clock.now()
  return session.reads.presence.all().map(row => ({
    id: workerId(text(row[0])),
    slots: number(row[1]),
    isDraining: row[2] === 1,
    leaseMs: number(row[3]),
    lastSeenAtMs: number(row[4]),
    nowMs,
  }))
}

function toWorkerRecord(session: Session, row: SqlRow): WorkerRecord {
  const id = workerId(text(row[0]))
  return {
    id,
    instance: textOrNull(row[1]),
    capabilities: readNames(textOrNull(row[2])),
    queues: readNames(textOrNull(row[3])),
    slots: number(row[4]),
    labels: json(row[5]),
    types: json(row[6]),
    isDraining: row[7] === 1,
    systemInfo: json(row[8]),
    registeredAtMs: number(row[9]),
    lastSeenAtMs: number(row[10]),
    leaseMs: number(row[11]),
    nowMs: session.clock.now(),
    holds: session.reads.holdsOfWorker.all(id).map(held => taskId(text(held[0]))),
  }
}

/** Lines of leases that this worker no longer holds, and those beyond the bound of a task, are dropped. */
export function appendLogs(session: Session, worker: WorkerId, lines: readonly LogDraft[]): number {
  return session.transact(tx => {
    const lastLines = new Map<number, number>()
    let kept = 0
    for (const line of lines) {
      const row = tx.sql.leaseById.get(line.taskId)
      const held = row === undefined ? null : toHeldRow(row)
      if (held === null || !held.isRunning || held.epoch !== line.epoch || held.workerId !== worker) continue
      const last = lastLines.get(held.number) ?? number(tx.sql.lastLine.get(held.number)?.[0] ?? 0)
      lastLines.set(held.number, last)
      if (last >= limits.logLinesPerTaskMax) continue
      tx.sql.insertLog.run(held.number, last + 1, line.epoch, line.atMs ?? tx.nowMs, line.level, line.message)
      lastLines.set(held.number, last + 1)
      kept += 1
    }
    return kept
  })
}
