import { setTimeout as wait } from 'node:timers/promises'
import { defineTask } from '@tasklane/sdk'
import { numberField, objectSchema, optional } from './schema.ts'

/** Seconds a task of priority 1 sleeps in `simulate`, unless its payload says otherwise. */
const simulatedSecondsDefault = 5
/** Progress travels with heartbeats, so finer steps would be seen by nobody. */
const simulatedStepSeconds = 0.1
const simulatedStepsMax = 100
const dayInSeconds = 86_400

/** Does nothing, and takes any payload: what is left is the cost of scheduling. */
export const noop = defineTask({ type: 'noop', run: () => null })

/** `{seconds}` → `{slept: seconds}` after that time; ends at once when the task is cancelled. */
export const sleep = defineTask({
  type: 'sleep',
  input: objectSchema({ seconds: numberField({ min: 0, max: dayInSeconds, description: 'How long to sleep' }) }),
  run: async ({ seconds }, ctx) => {
    await wait(seconds * 1_000, undefined, { signal: ctx.signal })
    return { slept: seconds }
  },
})

/**
 * Work that is shorter the more urgent it is: sleeps `seconds / priority`, where `seconds` is the payload's or 5, so one
 * second at the usual priority 5, half a second at 10 and five seconds at 1. It tells how far it is, and ends at once when
 * the task is cancelled, or completed by hand. Other fields of the payload are ignored.
 */
export const simulate = defineTask({
  type: 'simulate',
  input: objectSchema(
    { seconds: optional(numberField({ min: 0, max: dayInSeconds, description: 'Seconds to sleep at priority 1' })) },
    { open: true },
  ),
  run: async ({ seconds = simulatedSecondsDefault }, ctx) => {
    const slept = seconds / ctx.priority
    const steps = Math.min(simulatedStepsMax, Math.max(1, Math.ceil(slept / simulatedStepSeconds)))
    for (let step = 1; step <= steps; step += 1) {
      await wait((slept * 1_000) / steps, undefined, { signal: ctx.signal })
      ctx.progress((100 * step) / steps, `step ${step} of ${steps}`)
    }
    return { slept, priority: ctx.priority }
  },
})
