import { alertKindFacts, alertKinds } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { defaultRules } from './alert-defaults.ts'
import { type AlertRule, completeRule, findRuleFaults, isTrouble, type Trouble } from './alert-rule.ts'

const nothing = { queue: null, type: null, workerId: null, fingerprint: null, of: null, windowSeconds: null }

function trouble(kind: Trouble['kind'], value: number, more: Partial<Trouble> = {}): Trouble {
  return { ...nothing, kind, value, detail: 'So.', windowSeconds: alertKindFacts[kind].windows?.[0] ?? null, ...more }
}

function rule(kind: AlertRule['kind'], more: Partial<AlertRule> = {}): AlertRule {
  return { id: 'r', ...completeRule({ name: 'r', kind }), ...more }
}

describe('what is a trouble by a rule', () => {
  it.each<[string, boolean, AlertRule, Trouble]>([
    ['a depth at the threshold', false, rule('queue_depth', { threshold: 5 }), trouble('queue_depth', 5)],
    ['a depth above it', true, rule('queue_depth', { threshold: 5 }), trouble('queue_depth', 6)],
    ['as many failures as named', true, rule('failing', { threshold: 5 }), trouble('failing', 5)],
    ['fewer', false, rule('failing', { threshold: 5 }), trouble('failing', 4)],
    ['fewer workers than named', true, rule('workers_few', { threshold: 2 }), trouble('workers_few', 1)],
    ['as many workers as named', false, rule('workers_few', { threshold: 2 }), trouble('workers_few', 2)],
    ['whatever has no threshold', true, rule('worker_lost'), trouble('worker_lost', 0)],
    ['another kind', false, rule('worker_lost'), trouble('queue_paused', 1)],
    ['another window', false, rule('failing'), trouble('failing', 99, { windowSeconds: 300 })],
    ['any queue', true, rule('queue_paused'), trouble('queue_paused', 1, { queue: 'a' })],
    ['the queue that is named', true, rule('queue_paused', { queue: 'a' }), trouble('queue_paused', 1, { queue: 'a' })],
    ['another queue', false, rule('queue_paused', { queue: 'b' }), trouble('queue_paused', 1, { queue: 'a' })],
    ['another type', false, rule('type_unserved', { type: 'x' }), trouble('type_unserved', 1, { type: 'y' })],
    ['a rate of all', true, rule('failure_rate'), trouble('failure_rate', 50, { of: 20 })],
    ['a rate of too few', false, rule('failure_rate'), trouble('failure_rate', 50, { of: 19 })],
    ['a rate of one queue', false, rule('failure_rate'), trouble('failure_rate', 50, { of: 20, queue: 'a' })],
    [
      'a rate of its queue',
      true,
      rule('failure_rate', { queue: 'a' }),
      trouble('failure_rate', 50, { of: 20, queue: 'a' }),
    ],
  ])('%s: %s', (_, expected, of, seen) => {
    expect(isTrouble(of, seen)).toBe(expected)
  })
})

describe('what a rule can say', () => {
  it.each(alertKinds)('is complete and without a fault where nothing is said of %s', kind => {
    const made = completeRule({ name: 'r', kind })
    expect(findRuleFaults(made)).toEqual([])
    const { threshold, windows, least } = alertKindFacts[kind]
    expect([made.threshold === null, made.windowSeconds === null, made.least === null]).toEqual([
      threshold === null,
      windows === null,
      least === null,
    ])
  })

  it('depends on its kind', () => {
    const said = { threshold: 5, windowSeconds: 300, least: 3, queue: 'a', type: 'b' }
    const fieldsOf = (of: Partial<AlertRule>) =>
      findRuleFaults(rule(of.kind ?? 'failing', of)).map(fault => fault.field)
    expect(fieldsOf({ ...said, kind: 'worker_lost' })).toEqual(['threshold', 'window', 'least', 'queue', 'task_type'])
    expect(fieldsOf({ ...said, kind: 'failing' })).toEqual(['least', 'queue'])
    expect(fieldsOf({ ...said, kind: 'failure_rate' })).toEqual(['task_type'])
    expect(fieldsOf({ ...said, kind: 'waiting_long' })).toEqual(['window', 'least'])
  })

  it('is within its bounds', () => {
    expect(findRuleFaults(rule('failure_rate', { threshold: 100 }))).toEqual([
      { field: 'threshold', detail: 'A rule of the kind failure_rate takes a threshold from 0.1 to 99.9 percent.' },
    ])
    expect(findRuleFaults(rule('failing', { windowSeconds: 600 }))).toEqual([
      {
        field: 'window',
        detail: 'A rule of the kind failing looks back over one of 300, 900, 3600, 21600, 86400 seconds.',
      },
    ])
  })

  it('is said by every default rule under an id of its own', () => {
    expect(defaultRules.flatMap(findRuleFaults)).toEqual([])
    expect(new Set(defaultRules.map(each => each.id)).size).toBe(defaultRules.length)
  })
})
