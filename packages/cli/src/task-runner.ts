import { type AnyTaskDefinition, TasklaneWorker, type WorkerLogger } from '@tasklane/sdk'
import type { ClientOptions } from './connection.ts'

export interface TaskRunnerOptions {
  readonly connection: ClientOptions
  /** Null leaves it to the SDK, which makes one of host and process. */
  readonly workerId: string | null
  readonly slots: number
  readonly heartbeatSeconds: number | null
  readonly graceSeconds: number | null
  readonly queues: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly tasks: readonly AnyTaskDefinition[]
  readonly logger: WorkerLogger
}

/** The SDK's worker as the command runs it: signals are the command's, and so is what is told. */
export function createTaskRunner(options: TaskRunnerOptions): TasklaneWorker {
  const { connection, workerId, heartbeatSeconds, graceSeconds, queues, labels, logger } = options
  return new TasklaneWorker({
    url: connection.urls,
    token: connection.token ?? '',
    tasks: options.tasks,
    slots: options.slots,
    signals: false,
    logger,
    ...(workerId === null ? {} : { workerId }),
    ...(heartbeatSeconds === null ? {} : { heartbeatMs: heartbeatSeconds * 1_000 }),
    ...(graceSeconds === null ? {} : { shutdownGraceMs: graceSeconds * 1_000 }),
    ...(queues.length === 0 ? {} : { queues }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  })
}
