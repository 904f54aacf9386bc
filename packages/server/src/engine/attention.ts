import {
  type Attention,
  type AttentionItem,
  alertKindFacts,
  alertSeverities,
  anyName,
  type FailureGroup,
  type Worker,
} from '@tasklane/protocol'
import type { AlertRecord } from '../core/alert.ts'
import { type Pause, pauseWords, toQueuePause } from '../core/pause.ts'
import type { Store, Waiting, WaitingLane } from '../ports/store.ts'

/** Of each kind so many are told; who has more has one trouble, not twenty. */
const itemsOfKindMax = 10
/** Lanes whose first task is looked at. */
export const lanesLookedMax = 500
/** A wait at the head of a line that is long enough to look into it. */
const longWaitMs = 60_000
/** A scheduled task becomes pending within a second of its time, or nothing promotes it. */
const lateMs = 30_000

interface Parts {
  readonly store: Pick<Store, 'waiting'>
  readonly workers: () => Promise<readonly Worker[]>
  readonly failures: () => Promise<readonly FailureGroup[]>
  readonly openAlerts: () => Promise<readonly AlertRecord[]>
}

/** What a person should look at, the worst first. It costs the same however many tasks wait. */
export async function readAttention({ store, workers, failures, openAlerts }: Parts): Promise<Attention> {
  const [waiting, present, groups, open] = await Promise.all([
    store.waiting(lanesLookedMax),
    workers(),
    failures(),
    openAlerts(),
  ])
  const firing = open.filter(alert => alert.state === 'firing' && alert.silence === null)
  const seen = lookAround({ waiting, present, longWaitMs, lateMs })
  const troubles = [seen.unserved, seen.lost, groups.map(failing), seen.late, seen.waitingLong, seen.paused]
  const kinds = [
    [...firing].sort(worseFirst).map(alert => alerted(alert, seen.paused)),
    ...troubles.map(items => items.filter(item => !firing.some(alert => isAbout(alert, item)))),
  ]
  return {
    items: kinds.flatMap(items => items.slice(0, itemsOfKindMax)),
    more: kinds.reduce((sum, items) => sum + Math.max(0, items.length - itemsOfKindMax), 0),
  }
}

/** All of what is seen in the lines and among the workers, the worst of a kind first. */
export function lookAround(seen: {
  readonly waiting: Waiting
  readonly present: readonly Worker[]
  readonly longWaitMs: number
  readonly lateMs: number
}) {
  const { waiting, present } = seen
  const active = present.filter(worker => worker.status === 'active')
  return {
    unserved: unserved(waiting, active),
    lost: present.filter(worker => worker.status === 'lost').map(lost),
    late: late(waiting, seen.lateMs),
    waitingLong: waitingLong(waiting, active, seen.longWaitMs),
    paused: paused(waiting),
  }
}

function worseFirst(one: AlertRecord, other: AlertRecord): number {
  const rank = ({ severity }: AlertRecord): number => alertSeverities.indexOf(severity)
  return rank(other) - rank(one) || one.sinceMs - other.sinceMs
}

/** @param paused what is told of a queue that is paused, an alert about it tells, too */
function alerted(alert: AlertRecord, paused: readonly AttentionItem[]): AttentionItem {
  const { queue, type, workerId, fingerprint } = alert.subject
  const unit = alertKindFacts[alert.kind].threshold?.unit ?? 'tasks'
  const count = unit === 'tasks' && !alert.subject.isRest ? alert.value : 0
  const subject = { queue, task_type: type, worker_id: workerId, fingerprint }
  const told = { alert_id: alert.number, alert_kind: alert.kind, severity: alert.severity }
  const { pause = null } = paused.find(item => alert.kind === item.kind && queue === item.queue) ?? {}
  return {
    ...nothing,
    ...subject,
    ...told,
    kind: 'alert',
    detail: alert.detail,
    count,
    since: time(alert.sinceMs),
    pause,
  }
}

/** The one that stands for all the rest of its kind is about each of them. */
function isAbout({ kind, subject }: AlertRecord, item: AttentionItem): boolean {
  if (kind !== item.kind) return false
  const { queue, type, workerId, fingerprint, isRest } = subject
  const isSame =
    queue === item.queue && type === item.task_type && workerId === item.worker_id && fingerprint === item.fingerprint
  return isRest || isSame
}

const nothing = {
  count: 0,
  since: null,
  queue: null,
  task_type: null,
  worker_id: null,
  fingerprint: null,
  task_id: null,
  alert_id: null,
  alert_kind: null,
  severity: null,
  pause: null,
} satisfies Partial<AttentionItem>

export function serves(worker: Worker, queue: string): boolean {
  return worker.queues.includes(anyName) || worker.queues.includes(queue)
}

function takes(worker: Worker, { queue, type }: Pick<WaitingLane, 'queue' | 'type'>): boolean {
  return serves(worker, queue) && (worker.capabilities.includes(anyName) || worker.capabilities.includes(type))
}

/** Tasks that will wait for ever: of queues that no live worker serves, and of types that none takes from their queue. */
function unserved({ lanes }: Waiting, active: readonly Worker[]): AttentionItem[] {
  const waiting = lanes.filter(lane => lane.pause === null && !active.some(worker => takes(worker, lane)))
  const queues = new Map<string, WaitingLane[]>()
  const types: AttentionItem[] = []
  for (const lane of waiting) {
    if (!active.some(worker => serves(worker, lane.queue))) {
      queues.set(lane.queue, [...(queues.get(lane.queue) ?? []), lane])
      continue
    }
    const { queue, type, pending } = lane
    const detail = `No live worker takes type '${type}' from queue '${queue}'; ${tasks(pending)} for one.`
    types.push({ ...nothing, ...ofLane([lane]), kind: 'type_unserved', task_type: type, detail })
  }
  const whole = [...queues].map(([queue, each]): AttentionItem => {
    const about = ofLane(each)
    const detail = `No live worker serves queue '${queue}'; ${tasks(about.count)} for one.`
    return { ...nothing, ...about, kind: 'queue_unserved', detail }
  })
  return [...whole.sort((one, other) => other.count - one.count), ...types]
}

/** Of lanes of one queue: how many wait, and the one that has stood at the head of its line for longest. */
function ofLane(lanes: readonly WaitingLane[]): Pick<AttentionItem, 'count' | 'since' | 'queue' | 'task_id'> {
  const heads = lanes.flatMap(lane => lane.first ?? []).sort((one, other) => one.dueAtMs - other.dueAtMs)
  return {
    count: lanes.reduce((sum, lane) => sum + lane.pending, 0),
    since: heads[0] === undefined ? null : time(heads[0].dueAtMs),
    queue: lanes[0]?.queue ?? null,
    task_id: heads[0]?.id ?? null,
  }
}

function lost({ worker_id, last_heartbeat, current_tasks }: Worker): AttentionItem {
  const detail = `Worker '${worker_id}' has stopped answering.`
  return { ...nothing, kind: 'worker_lost', worker_id, since: last_heartbeat, count: current_tasks.length, detail }
}

export function failing(group: FailureGroup): AttentionItem {
  const { fingerprint, task_type, count, first_at: since, sample_task_id: task_id } = group
  const times = count === 1 ? 'once' : `${count} times`
  const detail = `Type '${task_type}' failed ${times}: ${group.message || group.code}`
  return { ...nothing, kind: 'failing', fingerprint, task_type, count, since, task_id, detail }
}

function late({ nowMs, nextRunAtMs }: Waiting, leastMs: number): AttentionItem[] {
  if (nextRunAtMs === null || nowMs - nextRunAtMs < leastMs) return []
  const detail = `Scheduled tasks are behind: one was due ${seconds(nowMs - nextRunAtMs)} ago and is not pending yet.`
  return [{ ...nothing, kind: 'schedule_late', count: 1, since: time(nextRunAtMs), detail }]
}

/** The longest wait first. Those that nobody takes are told already. */
function waitingLong({ nowMs, lanes }: Waiting, active: readonly Worker[], leastMs: number): AttentionItem[] {
  const waits = (lane: WaitingLane): number => (lane.first === null ? 0 : nowMs - lane.first.dueAtMs)
  return lanes
    .filter(lane => lane.pause === null && waits(lane) > leastMs && active.some(worker => takes(worker, lane)))
    .sort((one, other) => waits(other) - waits(one))
    .map(lane => {
      const detail = `The first '${lane.type}' in the line of queue '${lane.queue}' has waited for ${seconds(waits(lane))}; ${tasks(lane.pending)}.`
      return { ...nothing, ...ofLane([lane]), kind: 'waiting_long', task_type: lane.type, detail }
    })
}

function paused({ lanes }: Waiting): AttentionItem[] {
  const queues = new Map<string, WaitingLane[]>()
  const pauses = new Map<string, Pause>()
  for (const lane of lanes) {
    if (lane.pause === null) continue
    queues.set(lane.queue, [...(queues.get(lane.queue) ?? []), lane])
    pauses.set(lane.queue, lane.pause)
  }
  return [...pauses].map(([queue, pause]) => {
    const about = ofLane(queues.get(queue) ?? [])
    const detail = `Queue '${queue}' is paused${pauseWords(pause)}; ${tasks(about.count)}.`
    return { ...nothing, ...about, kind: 'queue_paused', detail, pause: toQueuePause(pause) }
  })
}

function tasks(count: number): string {
  return count === 1 ? '1 task waits' : `${count} tasks wait`
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}
