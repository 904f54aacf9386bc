import { limits } from '@tasklane/protocol'
import { namesText, readNames } from '../../core/names.ts'
import { taskId, type WorkerId, workerId } from '../../core/task.ts'
import type { LeaseFacts, LogDraft, WorkerPresence, WorkerRecord, WorkerSettings } from '../../ports/store.ts'
import type { SqlRow } from './database.ts'
import { readStatements } from './read-statements.ts'
import { boolean, json, number, text, textOrNull, toLeaseFacts } from './rows.ts'
import type { Session } from './session.ts'
import { statements as sql } from './statements.ts'

export function registerWorker(
  session: Session,
  settings: WorkerSettings,
  leaseMs: number,
): Promise<{ readonly orphans: readonly LeaseFacts[] }> {
  return session.transact(async tx => {
    const [former] = await tx.connection.rows(sql.workerInstance, settings.id)
    const isSameInstance = former !== undefined && former[0] === settings.instance
    const registeredAtMs = isSameInstance ? number(former[1]) : tx.nowMs
    const leases = await tx.connection.rows(sql.leasesOfWorker, settings.id)
    await tx.connection.run(
      sql.writeWorker,
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
    const orphans = leases
      // What a new instance finds cannot be its own; later, what was claimed in the very millisecond is taken for its own.
      .filter(row => !isSameInstance || number(row[6]) < registeredAtMs)
      .map(row => toLeaseFacts(row, tx.nowMs))
    return { orphans }
  })
}

export function drainWorker(session: Session, id: WorkerId): Promise<boolean> {
  return session.transact(async tx => (await tx.connection.run(sql.drainWorker, id)) === 1)
}

export function removeWorker(session: Session, id: WorkerId): Promise<boolean> {
  return session.transact(async tx => (await tx.connection.run(sql.deleteWorker, id)) === 1)
}

export function leasesOf(session: Session, id: WorkerId): Promise<readonly LeaseFacts[]> {
  return session.read(async ({ connection, now }) => {
    const [rows, nowMs] = await Promise.all([connection.rows(sql.leasesOfWorker, id), now()])
    return rows.map(row => toLeaseFacts(row, nowMs))
  })
}

export function readWorkers(session: Session): Promise<readonly WorkerRecord[]> {
  return session.read(async ({ connection, now }) => {
    const [rows, nowMs] = await Promise.all([connection.rows(readStatements.workers), now()])
    return rows.map(row => toWorkerRecord(row, nowMs))
  })
}

export function readWorker(session: Session, id: WorkerId): Promise<WorkerRecord | null> {
  return session.read(async ({ connection, now }) => {
    const [[row], nowMs] = await Promise.all([connection.rows(readStatements.worker, id), now()])
    return row === undefined ? null : toWorkerRecord(row, nowMs)
  })
}

export function readPresence(session: Session): Promise<readonly WorkerPresence[]> {
  return session.read(async ({ connection, now }) => {
    const [rows, nowMs] = await Promise.all([connection.rows(readStatements.presence), now()])
    return rows.map(row => ({
      id: workerId(text(row[0])),
      slots: number(row[1]),
      isDraining: boolean(row[2]),
      leaseMs: number(row[3]),
      lastSeenAtMs: number(row[4]),
      nowMs,
    }))
  })
}

function toWorkerRecord(row: SqlRow, nowMs: number): WorkerRecord {
  const held = row[12] === null ? [] : (JSON.parse(text(row[12])) as readonly string[]) // Written from ids.
  return {
    id: workerId(text(row[0])),
    instance: textOrNull(row[1]),
    capabilities: readNames(textOrNull(row[2])),
    queues: readNames(textOrNull(row[3])),
    slots: number(row[4]),
    labels: json(row[5]),
    types: json(row[6]),
    isDraining: boolean(row[7]),
    systemInfo: json(row[8]),
    registeredAtMs: number(row[9]),
    lastSeenAtMs: number(row[10]),
    leaseMs: number(row[11]),
    nowMs,
    holds: held.map(taskId),
  }
}

/** Lines of leases that this worker no longer holds, and those beyond the bound of a task, are dropped. */
export function appendLogs(session: Session, worker: WorkerId, lines: readonly LogDraft[]): Promise<number> {
  return session.transact(async tx => {
    const ids = [...new Set(lines.map(line => line.taskId))]
    const rows = ids.length === 0 ? [] : await tx.connection.rows(sql.holdForLogs, ids, worker)
    const held = new Map(
      rows.map(row => [text(row[0]), { number: number(row[1]), epoch: number(row[2]), last: number(row[3]) }]),
    )
    const kept = lines.flatMap(line => {
      const task = held.get(line.taskId)
      if (task === undefined || task.epoch !== line.epoch || task.last >= limits.logLinesPerTaskMax) return []
      task.last += 1
      return [{ ...line, number: task.number, line: task.last }]
    })
    if (kept.length === 0) return 0
    return tx.connection.run(
      sql.insertLogs,
      kept.map(each => each.number),
      kept.map(each => each.line),
      kept.map(each => each.epoch),
      kept.map(each => each.atMs ?? tx.nowMs),
      kept.map(each => each.level),
      kept.map(each => each.message),
    )
  })
}
