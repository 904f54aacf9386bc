import {
  anyName,
  type HeartbeatRequest,
  type Json,
  limits,
  type SettleRequest,
  type WorkerLogRequest,
  type WorkerRegistration,
} from '@tasklane/protocol'
import { Problem } from '../core/problem.ts'
import { jsonText, taskId, workerId } from '../core/task.ts'
import type { Heartbeat, WorkerResult } from '../engine/engine.ts'
import type { LogDraft, WorkerSettings } from '../ports/store.ts'
import { parseInstant } from './instant.ts'
import { cutToJsonBytes, exceedsBytes, jsonBytes, scrubText } from './json-body.ts'

/** Only ids of this form were ever given out; no store is asked for others. */
const idShape = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}$/
const nameShape = /^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}$/

export function isTaskId(text: string): boolean {
  return idShape.test(text)
}

export function isName(text: string): boolean {
  return nameShape.test(text)
}

export function readRegistration(body: WorkerRegistration): WorkerSettings {
  const types = jsonText(body.types)
  if (types !== null && exceedsBytes(types, limits.workerTypesBytesMax)) {
    const detail = `The schemas in 'types' have ${Buffer.byteLength(types)} bytes of JSON; they take up to ${limits.workerTypesBytesMax} together.`
    throw new Problem('payload_too_large', detail, [{ pointer: '/types', detail }])
  }
  return {
    id: workerId(body.worker_id),
    instance: body.instance ?? null,
    capabilities: namesOrAll(body.capabilities),
    queues: body.queues === undefined ? null : namesOrAll(body.queues),
    slots: body.max_concurrent_tasks ?? 1,
    labels: jsonText(body.labels),
    types,
  }
}

function namesOrAll(names: readonly string[]): readonly string[] | null {
  return names.includes(anyName) ? null : [...new Set(names)]
}

/** @param faults sentences by index, for results that cannot be kept */
export function readResults(body: SettleRequest, faults: ReadonlyMap<number, string> | null): readonly WorkerResult[] {
  return body.results.map((entry, index) => {
    const isCompleted = entry.outcome === 'completed'
    const result = isCompleted && !faults?.has(index) ? jsonText(entry.result) : null
    const isTooLarge = result !== null && exceedsBytes(result, limits.resultBytesMax)
    return {
      taskId: taskId(entry.task_id),
      epoch: entry.epoch,
      outcome: entry.outcome,
      result: isTooLarge ? null : result,
      error: entry.error === undefined ? null : readError(entry.error),
      isRetryable: entry.retryable ?? true,
      retryAfterMs: entry.retry_after === undefined ? null : Math.round(entry.retry_after * 1_000),
      resultFault: isCompleted ? resultFault(isTooLarge ? result : null, faults?.get(index)) : null,
    }
  })
}

function resultFault(tooLarge: string | null, fault: string | undefined): string | null {
  if (fault !== undefined) return `The result cannot be kept. ${fault}`
  if (tooLarge === null) return null
  return `The result has ${Buffer.byteLength(tooLarge)} bytes of JSON; it takes up to ${limits.resultBytesMax}. Keep large data elsewhere and return its address.`
}

/** Errors are for people: repaired and cut so that they always fit, the message before the stack. */
function readError(error: {
  readonly code?: string
  readonly message: string
  readonly stack?: string
}): NonNullable<WorkerResult['error']> {
  // Names, quotes and the code take under a kilobyte of JSON.
  const room = limits.errorBytesMax - 1_024
  const message = cutToJsonBytes(scrubText(error.message), error.stack === undefined ? room : Math.floor(room / 2))
  const stack =
    error.stack === undefined ? undefined : cutToJsonBytes(scrubText(error.stack), room - jsonBytes(message))
  return {
    message,
    ...(error.code === undefined ? {} : { code: scrubText(error.code) }),
    ...(stack === undefined ? {} : { stack }),
  }
}

/** Ids that cannot exist are told apart, so that they are answered as lost without asking the store. */
export function readHeartbeat(
  id: string,
  body: HeartbeatRequest,
): { readonly beat: Heartbeat; readonly impossible: readonly string[] } {
  const impossible: string[] = []
  const currentTasks: NonNullable<Heartbeat['currentTasks']>[number][] = []
  for (const held of body.current_tasks ?? []) {
    const isBare = typeof held === 'string'
    const heldId = isBare ? held : held.task_id
    if (!isTaskId(heldId)) {
      impossible.push(heldId)
      continue
    }
    const progress = isBare ? undefined : held.progress
    currentTasks.push({
      taskId: taskId(heldId),
      epoch: isBare ? null : held.epoch,
      progress:
        progress?.message === undefined
          ? (progress ?? null)
          : { percent: progress.percent, message: scrubText(progress.message) },
    })
  }
  return {
    beat: {
      workerId: workerId(id),
      systemInfo: readSystemInfo(body.system_info),
      currentTasks: body.current_tasks === undefined ? null : currentTasks,
    },
    impossible,
  }
}

/** The three known figures and what it is built on; whatever else a worker sends about itself is not kept. */
function readSystemInfo(info: HeartbeatRequest['system_info']): Json {
  if (info === undefined) return null
  return {
    ...(info.cpu_usage === undefined ? {} : { cpu_usage: info.cpu_usage }),
    ...(info.memory_usage === undefined ? {} : { memory_usage: info.memory_usage }),
    ...(info.disk_usage === undefined ? {} : { disk_usage: info.disk_usage }),
    ...(info.sdk === undefined ? {} : { sdk: scrubText(info.sdk) }),
  }
}

/** Lines of ids that cannot exist are dropped. */
export function readLogLines(body: WorkerLogRequest): readonly LogDraft[] {
  return body.logs
    .filter(line => isTaskId(line.task_id))
    .map(line => ({
      taskId: taskId(line.task_id),
      epoch: line.epoch,
      level: line.level ?? 'info',
      message: scrubText(line.message),
      atMs: line.time === undefined ? null : parseInstant(line.time),
    }))
}
