import { onTestFinished } from 'vitest'
import { type Clock, systemClock } from '../src/clock.ts'
import { type AnyTaskDefinition, TasklaneWorker, type WorkerLogger, type WorkerOptions } from '../src/index.ts'
import type { StartLeaseThread } from '../src/worker/lease-messages.ts'
import { createRuntime } from '../src/worker/runtime.ts'
import { resolveSettings } from '../src/worker/settings.ts'
import { type DoubleOptions, type SchedulerDouble, startSchedulerDouble } from './scheduler-double.ts'

export interface WorkerSetup {
  readonly scheduler: SchedulerDouble
  readonly worker: Pick<TasklaneWorker, 'workerId' | 'start' | 'stop' | 'done' | 'status' | 'failure'>
  /** Messages of the worker's own log, each with its level. */
  readonly told: string[]
}

/** A worker named `w1` that has been started, and its scheduler; both end with the test. */
export async function startWorker(
  tasks: readonly AnyTaskDefinition[],
  options: Partial<WorkerOptions> &
    DoubleOptions & {
      readonly scheduler?: SchedulerDouble
      readonly clock?: Clock
      readonly startThread?: StartLeaseThread
    } = {},
): Promise<WorkerSetup> {
  const scheduler = options.scheduler ?? (await startSchedulerDouble(options, onTestFinished))
  const { logger, told } = collectLog()
  const worker = createWorker(
    { url: scheduler.url, workerId: 'w1', signals: false, logger, ...options, tasks },
    options.startThread,
  )
  onTestFinished(async () => {
    const isVirtual = options.clock !== undefined
    const stopping = worker.stop({ graceMs: 0 })
    // Nobody moves a virtual clock any more: let the test end without waiting for a farewell.
    if (!isVirtual) await stopping
  })
  await worker.start()
  return { scheduler, worker, told }
}

/** @param startThread of the leases; absent leaves it to the worker */
function createWorker(options: WorkerOptions, startThread: StartLeaseThread | undefined): WorkerSetup['worker'] {
  if (startThread === undefined) return new TasklaneWorker(options)
  const clock = options.clock ?? systemClock
  const runtime = createRuntime(resolveSettings(options, clock), clock, startThread)
  const { workerId } = runtime.status()
  return { ...runtime, workerId, failure: null, stop: ({ graceMs = 8_000 } = {}) => runtime.stop(graceMs) }
}

export function collectLog(): { readonly logger: WorkerLogger; readonly told: string[] } {
  const told: string[] = []
  const at = (level: string) => (_fields: unknown, message: string) => {
    told.push(`${level}: ${message}`)
  }
  return { told, logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } }
}
