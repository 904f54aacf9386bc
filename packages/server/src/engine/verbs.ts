import { afterChange, Problem } from '../core/problem.ts'
import type { TaskId, TaskRecord } from '../core/task.ts'
import type { Changes, Store } from '../ports/store.ts'
import type { Engine } from './engine.ts'
import { unknownTask } from './unknown.ts'

export type Verbs = Pick<Engine, 'cancel' | 'retry' | 'reprioritise' | 'completeByHand' | 'remove'>

export interface VerbsParts {
  readonly store: Pick<Store, 'cancel' | 'requeue' | 'reprioritise' | 'completeByHand' | 'remove'>
  /** Tells who waits, and reads the task as it is now. Throws `task_unknown`. */
  readonly onMoved: (changes: Changes, id: TaskId) => Promise<TaskRecord>
}

/** What a person or a program does to one task. */
export function createVerbs({ store, onMoved }: VerbsParts): Verbs {
  async function verb<Verdict extends string>(
    id: TaskId,
    moving: Promise<{ readonly verdicts: readonly Verdict[]; readonly changes: Changes }>,
    refuse: (verdict: Verdict, task: TaskRecord) => Problem | null,
  ): Promise<TaskRecord> {
    const moved = await moving
    const task = await onMoved(moved.changes, id).catch((error: unknown) => {
      throw afterChange(error)
    })
    const refusal = moved.verdicts[0] === undefined ? null : refuse(moved.verdicts[0], task)
    if (refusal !== null) throw refusal
    return task
  }

  return {
    cancel: (id, reason) =>
      verb(id, store.cancel([id], reason), (verdict, task) =>
        verdict === 'finished' ? new Problem('task_finished', `Task ${id} has already ${ended(task)}.`) : null,
      ),
    retry: (id, withDependents) =>
      verb(id, store.requeue([id], withDependents), (verdict, task) =>
        verdict === 'not_retryable'
          ? new Problem(
              'task_not_retryable',
              `Task ${id} is ${task.state}; only a failed or cancelled task can be retried.`,
            )
          : null,
      ),
    reprioritise: (id, priority) =>
      verb(id, store.reprioritise([{ id, priority }]), (verdict, task) =>
        verdict === 'not_waiting'
          ? new Problem('task_not_waiting', `Task ${id} is ${task.state}, no longer waiting.`)
          : null,
      ),
    completeByHand: (id, result) =>
      verb(id, store.completeByHand([{ id, result }]), (verdict, task) =>
        verdict === 'finished' ? new Problem('task_finished', `Task ${id} has already ${ended(task)}.`) : null,
      ),
    remove: async id => {
      const [verdict] = await store.remove([id])
      if (verdict === 'unknown') throw unknownTask(id)
      if (verdict === 'unfinished')
        throw new Problem('task_unfinished', `Task ${id} has not finished; cancel it first.`)
      if (verdict === 'needed')
        throw new Problem('task_needed', `An unfinished child of task ${id} still needs its result.`)
    },
  }
}

function ended(task: TaskRecord): string {
  return task.state === 'failed' ? 'failed' : `been ${task.state}`
}
