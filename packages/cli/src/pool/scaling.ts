/**
 * How many workers a pool should have: values in, value out.
 *
 * Growing is quick, shrinking slow, and between the two lies a band in which nothing happens, so that a load that goes
 * up and down does not start and stop processes along with it. More workers are there when tasks have waited for a few
 * seconds with every slot used; fewer only after a minute in which three quarters of the smaller pool's slots would
 * have done, one at a time, and only one that runs nothing: no task is disturbed.
 */
export interface ScalingRules {
  readonly min: number
  readonly max: number
  /** Of one worker. */
  readonly slots: number
}

/** What was seen at one moment; null where the scheduler did not tell. */
export interface ScalingLook {
  readonly atMs: number
  readonly workers: number
  /** Workers that run nothing. */
  readonly idle: number
  readonly slotsUsed: number
  readonly queues: {
    /** Tasks that could run now, of the queues that are served and not paused. */
    readonly pending: number
    readonly finishedPerSecond: number
  } | null
}

/** What is remembered from look to look. */
export interface ScalingMemory {
  readonly pressedSinceMs: number | null
  readonly calmSinceMs: number | null
  readonly changedMs: number | null
}

export interface ScalingDecision {
  readonly workers: number
  /** A sentence. */
  readonly reason: string
  readonly memory: ScalingMemory
}

export const noMemory: ScalingMemory = { pressedSinceMs: null, calmSinceMs: null, changedMs: null }

/** Longer than a claim takes to come round. */
const pressedForMs = 4_000
const calmForMs = 60_000
/** A new worker needs a moment before it shows what it is worth. */
const growEveryMs = 5_000
const shrinkEveryMs = 15_000
/** What will be done before a new worker would have started is no reason for one. */
const soonSeconds = 3
const fullShare = 0.75

export function decideSize(rules: ScalingRules, look: ScalingLook, memory: ScalingMemory): ScalingDecision {
  const { workers, atMs } = look
  const within = Math.min(rules.max, Math.max(rules.min, workers))
  if (within !== workers) {
    const bound = within === rules.min ? `at least ${rules.min}` : `at most ${rules.max}`
    return { workers: within, reason: `There are to be ${bound}.`, memory: { ...noMemory, changedMs: atMs } }
  }
  if (look.queues === null) {
    const reason = 'The scheduler does not tell its queues; nothing is changed.'
    return { workers, reason, memory: { ...memory, pressedSinceMs: null, calmSinceMs: null } }
  }
  const demand = look.queues.pending + look.slotsUsed
  const needed = Math.ceil(demand / rules.slots)
  if (look.queues.pending > 0 && needed > workers) return grow(rules, look, memory, needed)
  const enough = Math.max(rules.min, Math.ceil(demand / (rules.slots * fullShare)))
  if (enough < workers) return shrink(look, memory, enough)
  const reason = `${say(look.queues.pending, 'task')} pending and ${look.slotsUsed} running fit ${say(workers, 'worker')}.`
  return { workers, reason, memory: { ...memory, pressedSinceMs: null, calmSinceMs: null } }
}

function grow(rules: ScalingRules, look: ScalingLook, memory: ScalingMemory, needed: number): ScalingDecision {
  const { workers, atMs } = look
  const pending = look.queues?.pending ?? 0
  const rate = look.queues?.finishedPerSecond ?? 0
  const stay = (reason: string, sinceMs: number | null): ScalingDecision => ({
    workers,
    reason: `${say(pending, 'task')} pending: ${reason}`,
    memory: { ...memory, pressedSinceMs: sinceMs, calmSinceMs: null },
  })
  if (workers >= rules.max) return stay(`${needed} workers would be needed, ${rules.max} are allowed.`, null)
  if (rate > 0 && pending / rate < soonSeconds)
    return stay(`at ${Math.round(rate)} a second they are done in no time.`, null)
  const sinceMs = memory.pressedSinceMs ?? atMs
  if (atMs - sinceMs < pressedForMs) return stay('they may be gone in a moment.', sinceMs)
  if (isRecent(memory, atMs, growEveryMs)) return stay('the workers started last are not up yet.', sinceMs)
  // Twice as many at most: a burst is often over before they are all there.
  const next = Math.min(needed, rules.max, Math.max(1, workers * 2))
  return {
    workers: next,
    reason: `${say(pending, 'task')} pending and all slots used for ${seconds(atMs - sinceMs)}: from ${workers} to ${next}.`,
    memory: { pressedSinceMs: sinceMs, calmSinceMs: null, changedMs: atMs },
  }
}

function shrink(look: ScalingLook, memory: ScalingMemory, enough: number): ScalingDecision {
  const { workers, atMs } = look
  const sinceMs = memory.calmSinceMs ?? atMs
  const calm: ScalingMemory = { ...memory, pressedSinceMs: null, calmSinceMs: sinceMs }
  const stay = (reason: string): ScalingDecision => ({
    workers,
    reason: `${say(enough, 'worker')} would do: ${reason}`,
    memory: calm,
  })
  if (atMs - sinceMs < calmForMs) return stay(`calm for ${seconds(atMs - sinceMs)} of ${seconds(calmForMs)}.`)
  if (isRecent(memory, atMs, shrinkEveryMs)) return stay('one at a time.')
  if (look.idle === 0) return stay('none of them is idle now.')
  return {
    workers: workers - 1,
    reason: `${say(enough, 'worker')} would have done for ${seconds(atMs - sinceMs)}: from ${workers} to ${workers - 1}.`,
    memory: { ...calm, changedMs: atMs },
  }
}

function isRecent(memory: ScalingMemory, atMs: number, ms: number): boolean {
  return memory.changedMs !== null && atMs - memory.changedMs < ms
}

function say(count: number, one: string): string {
  return `${count} ${count === 1 ? one : `${one}s`}`
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`
}
