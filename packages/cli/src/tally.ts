import type { AnyTaskDefinition, TaskContext } from '@tasklane/sdk'

/** Often enough for the eye; a message each would cost more than the tasks it tells of. */
const tellEveryMs = 50

/**
 * The same tasks, with their handlers counted and the counts told to the process that started this one. Only for what a
 * parent draws: the truth about tasks is the scheduler's.
 */
export function withTally(tasks: readonly AnyTaskDefinition[]): readonly AnyTaskDefinition[] {
  const tally = { running: 0, ended: 0 }
  let timer: NodeJS.Timeout | null = null
  let lastMs = 0
  const send = () => {
    timer = null
    lastMs = performance.now()
    // A parent that is gone hears nothing, which is no reason to stop working.
    if (process.connected) process.send?.(tally, () => undefined)
  }
  const tell = () => {
    if (timer !== null) return
    const dueMs = lastMs + tellEveryMs - performance.now()
    if (dueMs <= 0) send()
    else timer = setTimeout(send, dueMs).unref()
  }
  return tasks.map(task => ({
    ...task,
    run: async (input: never, ctx: TaskContext) => {
      tally.running += 1
      tell()
      try {
        return await task.run(input, ctx)
      } finally {
        tally.running -= 1
        tally.ended += 1
        tell()
      }
    },
  }))
}
