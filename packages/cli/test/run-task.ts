import type { ClaimedTask, ParentOutcome } from '@tasklane/protocol'
import { InputInvalidError, type TaskContext, type TaskDefinition } from '@tasklane/sdk'
import { sampleTask } from './sample-task.ts'

export interface AttemptOptions {
  readonly priority?: number
  readonly parents?: Readonly<Record<string, ParentOutcome>>
  readonly signal?: AbortSignal
  readonly progress?: TaskContext['progress']
}

/** Runs a handler once, as a worker does: the payload goes through the schema first. */
export async function attempt<Payload, Input, Output>(
  task: TaskDefinition<Payload, Input, Output>,
  payload: unknown,
  options: AttemptOptions = {},
): Promise<Output> {
  const checked = await task.input?.['~standard'].validate(payload)
  if (checked?.issues !== undefined) throw new InputInvalidError(task.type, checked.issues)
  // What the schema returned is the handler's input; without a schema it is the payload.
  const input = (checked === undefined ? payload : checked.value) as Input
  return task.run(input, contextOf(task.type, options))
}

function contextOf(type: string, options: AttemptOptions): TaskContext {
  const priority = options.priority ?? 5
  const claimed: ClaimedTask = {
    ...sampleTask({ task_type: type, priority }),
    epoch: 1,
    lease_expires_at: '2030-01-01T00:00:15Z',
  }
  const ignore = () => {}
  return {
    taskId: claimed.task_id,
    type,
    attempt: 1,
    epoch: 1,
    priority,
    workerId: 'w1',
    task: claimed,
    parents: options.parents ?? {},
    signal: options.signal ?? new AbortController().signal,
    progress: options.progress ?? ignore,
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  }
}
