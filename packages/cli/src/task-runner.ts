import { type AnyTaskDefinition, TasklaneWorker, type WorkerLogger } from '@tasklane/sdk'
import type { ClientOptions } from './connection.ts'
import type { Output } from './output/output.ts'
import { visibleText } from './output/text-width.ts'

export interface TaskRunnerOptions {
  readonly connection: ClientOptions
  /** Null leaves it to the SDK, which makes one of host and process. */
  readonly workerId: string | null
  readonly slots: number
  readonly heartbeatSeconds: number | null
  readonly graceSeconds: number | null
  readonly queues: readonly string[]
  readonly tasks: readonly AnyTaskDefinition[]
  readonly output: Output
}

/** The SDK's worker as the command runs it: signals are the command's, and what it tells goes where messages go. */
export function createTaskRunner(options: TaskRunnerOptions): TasklaneWorker {
  const { connection, workerId, heartbeatSeconds, graceSeconds, queues, output } = options
  return new TasklaneWorker({
    url: connection.urls,
    token: connection.token ?? '',
    tasks: options.tasks,
    slots: options.slots,
    signals: false,
    logger: createLogger(output),
    ...(workerId === null ? {} : { workerId }),
    ...(heartbeatSeconds === null ? {} : { heartbeatMs: heartbeatSeconds * 1_000 }),
    ...(graceSeconds === null ? {} : { shutdownGraceMs: graceSeconds * 1_000 }),
    ...(queues.length === 0 ? {} : { queues }),
  })
}

function createLogger(output: Output): WorkerLogger {
  const tell = (level: 'warn' | 'error') => (fields: Readonly<Record<string, unknown>>, message: string) => {
    const facts = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    output.warn(visibleText([message, ...facts].join(' ')), level)
  }
  return {
    debug: () => undefined,
    info: (_fields, message) => output.note(visibleText(message)),
    warn: tell('warn'),
    error: tell('error'),
  }
}
