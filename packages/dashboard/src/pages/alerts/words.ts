import { type AlertKind, type AlertRule, alertKindFacts, type ThresholdFacts } from '@tasklane/protocol'
import { exactCount, plural, span } from '../../parts/format.ts'

/** What each kind of rule is about, for who chooses one. */
export const kindHints: Readonly<Record<AlertKind, string>> = {
  queue_unserved: 'Tasks wait in a queue that no live worker serves: nothing in it runs until one comes.',
  type_unserved: 'The queue has workers, but none that takes this type: such tasks wait while others run.',
  worker_lost: 'Heartbeats stopped without a goodbye: its process died, or the network is down.',
  failing: 'Tasks of one type fail for good, all of them by the same error.',
  waiting_long: 'The first pending task of a line has been due for too long: there are too few slots for it.',
  schedule_late: 'Tasks whose time has come are not handed out: the scheduler itself is behind.',
  queue_paused: 'Somebody paused a queue and tasks gather in it: perhaps the pause was forgotten.',
  queue_depth: 'More tasks wait in a queue than its workers should ever leave there.',
  failure_rate: 'Of the tasks that ended lately, too large a share failed for good.',
  workers_few: 'Fewer workers are alive than the work takes.',
}

type Condition = Pick<AlertRule, 'kind' | 'threshold' | 'window' | 'least' | 'for' | 'queue' | 'task_type'>

/** A rule in one sentence: when it fires. */
export function conditionText(rule: Condition): string {
  const lasting = rule.for > 0 ? `, for ${span(rule.for * 1_000)}` : ''
  return `${holdsText(rule)}${lasting}.`
}

function holdsText({ kind, threshold, window, least, queue, task_type }: Condition): string {
  const limit = thresholdText(alertKindFacts[kind].threshold, threshold)
  const within = window === null ? '' : ` within ${span(window * 1_000)}`
  const aQueue = queue === null ? 'a queue' : `queue ${queue}`
  const verb = (one: string, several: string) => (threshold === 1 ? one : several)
  const ofType = task_type === null ? '' : ` of type ${task_type}`
  switch (kind) {
    case 'queue_unserved':
      return `${start(aQueue)} has tasks, and no live worker serves it`
    case 'type_unserved':
      return `${task_type === null ? 'A type' : `Type ${task_type}`} has tasks in ${aQueue}, and no live worker takes it there`
    case 'worker_lost':
      return 'A worker has stopped answering'
    case 'failing':
      return `${start(limit)}${ofType} ${verb('fails', 'fail')} for the same cause${within}`
    case 'waiting_long':
      return `The first task${ofType} in ${aQueue} waits ${limit}`
    case 'schedule_late':
      return `Scheduled tasks are behind by ${limit}`
    case 'queue_paused':
      return `${start(aQueue)} is paused and has tasks`
    case 'queue_depth':
      return `${start(limit)} ${verb('waits', 'wait')} in ${aQueue}`
    case 'failure_rate':
      return `${start(limit)} of the tasks${queue === null ? '' : ` of queue ${queue}`} that ended${within} have failed, of ${exactCount(least ?? 0)} or more`
    case 'workers_few':
      return `${start(limit)} ${queue === null ? verb('is alive', 'are alive') : `${verb('serves', 'serve')} queue ${queue}`}`
  }
}

const holds: Readonly<Record<ThresholdFacts['holds'], string>> = {
  at_least: 'at least',
  above: 'more than',
  below: 'fewer than',
}

function thresholdText(facts: ThresholdFacts | null, threshold: number | null): string {
  if (facts === null) return ''
  return `${holds[facts.holds]} ${amountText(facts.unit, threshold ?? facts.otherwise)}`
}

/** A number in the unit of its kind. */
export function amountText(unit: ThresholdFacts['unit'], amount: number): string {
  switch (unit) {
    case 'tasks':
      return plural(amount, 'task')
    case 'workers':
      return plural(amount, 'worker')
    case 'percent':
      return `${Number(amount.toFixed(1))} %`
    case 'seconds':
      return span(amount * 1_000)
  }
}

/** What a field asks for: `More than so many tasks`. */
export function thresholdLabel({ holds: how, unit }: ThresholdFacts): string {
  const much = unit === 'percent' ? 'so many per cent' : `so many ${unit}`
  return `${start(holds[how])} ${much}`
}

function start(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
