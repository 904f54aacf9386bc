import { limits } from '@tasklane/protocol'
import { type JsonText, jsonText, type TaskDraft, taskId } from '../../src/core/task.ts'

export { everyTask } from '../../src/engine/every-task.ts'

export interface DraftOptions extends Partial<Omit<TaskDraft, 'id' | 'dependencies' | 'payload' | 'labels'>> {
  readonly dependencies?: readonly string[]
  readonly payload?: unknown
  readonly labels?: Readonly<Record<string, string>>
}

/** A draft with the defaults that the HTTP floor would fill in. A priority that is named counts as declared. */
export function draft(id: string, options: DraftOptions = {}): TaskDraft {
  const { dependencies = [], payload = null, labels, ...rest } = options
  return {
    type: 'noop',
    queue: 'default',
    name: null,
    description: null,
    priority: limits.priorityDefault,
    prioritySource: options.priority === undefined ? 'default' : 'declared',
    onDependencyFailure: 'cancel',
    timeoutMs: limits.timeoutSecondsDefault * 1_000,
    maxRetries: limits.retriesDefault,
    runAtMs: null,
    delayMs: null,
    idempotencyKey: null,
    submittedBy: null,
    isOwnOnly: false,
    trace: null,
    ...rest,
    id: taskId(id),
    dependencies: dependencies.map(taskId),
    payload: jsonText(payload),
    labels: jsonText(labels),
  }
}

/** A JSON text for results and errors. */
export function json(value: unknown): JsonText {
  const text = jsonText(value)
  if (text === null) throw new Error('A test asked for the text of nothing; write null instead.')
  return text
}

export function errorJson(code: string, message = 'It went wrong.'): JsonText {
  return json({ code, message })
}

/** `child-0`, `child-1`, ... */
export function names(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `${prefix}-${at}`)
}
