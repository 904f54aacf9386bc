import type { Json, Why, WhyCode } from '@tasklane/protocol'
import { type Pause, pauseWords, toQueuePause } from './pause.ts'
import type { TaskRecord } from './task.ts'

export interface WhyFacts {
  readonly task: TaskRecord
  readonly nowMs: number
  /** Of its queue; null where that is not paused. */
  readonly pause: Pause | null
  readonly waitingFor: {
    readonly count: number
    readonly first: readonly { readonly id: string; readonly state: string }[]
  }
  readonly position: { readonly before: number; readonly pending: number } | null
  readonly positionMax: number
  /** Workers that could run the task: alive, not draining, serving its type and queue. */
  readonly capable: { readonly workers: number; readonly slots: number; readonly freeSlots: number }
  /** Tasks a second that left this queue's line lately, or null where nothing is known. */
  readonly claimedPerSecond: number | null
}

type Reason = Why['reasons'][number]

/** Why is this task not running? Every reason that holds, the strongest first, as sentences a person can act on. */
export function explain(facts: WhyFacts): Why {
  const { task } = facts
  return { task_id: task.id, status: task.state, reasons: reasonsOf(facts) }
}

function reasonsOf(facts: WhyFacts): readonly Reason[] {
  const { task } = facts
  switch (task.state) {
    case 'blocked':
      return [waitsForParents(facts)]
    case 'scheduled':
      return [waitsForTime(facts)]
    case 'pending':
      return pendingReasons(facts)
    case 'running':
      return runningReasons(task)
    case 'completed':
    case 'failed':
    case 'cancelled':
      return [
        reason('finished', `It is not waiting: it has ${task.state === 'failed' ? '' : 'been '}${task.state}.`, {}),
      ]
  }
}

function waitsForParents({ waitingFor }: WhyFacts): Reason {
  const named = waitingFor.first.map(parent => `${parent.id} (${parent.state})`).join(', ')
  const more = waitingFor.count - waitingFor.first.length
  const detail = `It is blocked by ${plural(waitingFor.count, 'unfinished parent')}: ${named}${more > 0 ? ` and ${more} more` : ''}.`
  return reason('waits_for_parents', detail, {
    count: waitingFor.count,
    parents: waitingFor.first.map(parent => parent.id),
  })
}

function waitsForTime({ task, nowMs }: WhyFacts): Reason {
  const runAtMs = task.runAtMs ?? nowMs
  const at = new Date(runAtMs).toISOString()
  const seconds = Math.max(0, Math.round((runAtMs - nowMs) / 1000))
  const facts = { run_at: at, seconds }
  if (task.attempt === 0) return reason('waits_for_time', `It is scheduled for ${at}, in ${seconds} s.`, facts)
  const detail = `Attempt ${task.attempt} ended badly; the next one is due at ${at}, in ${seconds} s.`
  return reason('waits_for_retry', detail, { ...facts, attempt: task.attempt })
}

function pendingReasons(facts: WhyFacts): readonly Reason[] {
  const { task, capable, position } = facts
  const reasons: Reason[] = []
  if (facts.pause !== null) {
    const { at, by, reason: why } = toQueuePause(facts.pause)
    const detail = `Its queue '${task.queue}' is paused${at === null ? '' : ` since ${at}`}${pauseWords(facts.pause)}; resume it to let its tasks run.`
    reasons.push(reason('queue_paused', detail, { queue: task.queue, paused_at: at, paused_by: by, pause_reason: why }))
  }
  if (capable.workers === 0) {
    const detail = `No worker that is alive can run type '${task.type}' from queue '${task.queue}'; start one that can.`
    reasons.push(reason('no_capable_worker', detail, { task_type: task.type, queue: task.queue }))
  } else if (capable.freeSlots === 0) {
    const detail = `All ${plural(capable.slots, 'slot')} of the ${plural(capable.workers, 'worker')} that can run it are taken.`
    reasons.push(reason('no_free_slot', detail, { workers: capable.workers, slots: capable.slots }))
  }
  if (position !== null) reasons.push(rankReason(position, facts))
  return reasons
}

function rankReason(position: { before: number; pending: number }, facts: WhyFacts): Reason {
  const isBeyond = position.before >= facts.positionMax
  const place = isBeyond ? `beyond rank ${count(facts.positionMax)}` : `rank ${count(position.before + 1)}`
  const rate = facts.claimedPerSecond
  const isStuck = facts.pause !== null || facts.capable.workers === 0
  const seconds = isBeyond || isStuck || rate === null || rate <= 0 ? null : Math.ceil((position.before + 1) / rate)
  const eta = seconds === null ? '' : `, about ${seconds} s`
  const detail = `It is ${place} of ${count(position.pending)} in queue '${facts.task.queue}'${eta}.`
  return reason('rank', detail, {
    rank: isBeyond ? null : position.before + 1,
    pending: position.pending,
    eta_seconds: seconds,
    priority: facts.task.priority,
  })
}

function runningReasons(task: TaskRecord): readonly Reason[] {
  const facts = { worker_id: task.workerId, attempt: task.attempt, epoch: task.epoch }
  const running = reason('running', `It is running on worker ${task.workerId}, attempt ${task.attempt}.`, facts)
  if (task.cancelRequestedAtMs === null) return [running]
  const at = new Date(task.cancelRequestedAtMs).toISOString()
  return [
    reason('cancelling', `Its cancel was requested at ${at}; the worker was asked to stop.`, { requested_at: at }),
    running,
  ]
}

function reason(code: WhyCode, detail: string, facts: Readonly<Record<string, Json>>): Reason {
  return { code, detail, facts }
}

function plural(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? '' : 's'}`
}

function count(n: number): string {
  return n.toLocaleString('en-US')
}
