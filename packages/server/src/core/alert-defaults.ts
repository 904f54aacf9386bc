import { type AlertRule, type AskedRule, completeRule } from './alert-rule.ts'

const minute = 60_000

function rule(id: string, asked: AskedRule): AlertRule {
  return { id, ...completeRule(asked) }
}

/**
 * The rules that are there from the start. They are known here and not written into a store, so that a later version may
 * bring more of them; one that somebody changed is kept under its id, and stands for the one here.
 */
export const defaultRules: readonly AlertRule[] = Object.freeze([
  rule('queue-unserved', {
    name: 'Queue without a worker',
    kind: 'queue_unserved',
    severity: 'critical',
    forMs: 2 * minute,
  }),
  rule('type-unserved', { name: 'Type without a worker', kind: 'type_unserved', forMs: 5 * minute }),
  rule('worker-lost', { name: 'Lost worker', kind: 'worker_lost', forMs: minute }),
  rule('schedule-late', { name: 'Schedule behind', kind: 'schedule_late', severity: 'critical', forMs: minute }),
  rule('failure-rate', { name: 'Many failures', kind: 'failure_rate', severity: 'critical', forMs: minute }),
  rule('failing', { name: 'One cause fails again and again', kind: 'failing', forMs: 0 }),
  rule('waiting-long', { name: 'Long wait', kind: 'waiting_long', forMs: minute }),
  rule('queue-paused', { name: 'Forgotten pause', kind: 'queue_paused', forMs: 60 * minute }),
  // How many are many, nobody but the operator knows.
  rule('queue-depth', { name: 'Deep queue', kind: 'queue_depth', forMs: 10 * minute, isEnabled: false }),
])

export function isDefaultRule(id: string): boolean {
  return defaultRules.some(each => each.id === id)
}
