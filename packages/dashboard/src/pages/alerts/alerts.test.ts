import { type AlertRule, alertKindFacts, alertKinds } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { changeOf, draftOf, fieldsOf, fieldsOfKind, lastingChoices } from './rule-draft.ts'
import { readAlertsSearch } from './search.ts'
import { conditionText, kindHints, thresholdLabel } from './words.ts'

/** A rule as the form makes it of its kind alone. */
function ruleOf(kind: AlertRule['kind'], change: Partial<AlertRule> = {}): AlertRule {
  const { threshold, windows, least } = alertKindFacts[kind]
  return {
    rule_id: 'r1',
    name: 'Mine',
    kind,
    threshold: threshold?.otherwise ?? null,
    window: windows?.[0] ?? null,
    least,
    for: 120,
    severity: 'critical',
    queue: null,
    task_type: null,
    enabled: true,
    default: false,
    changed_at: null,
    ...change,
  }
}

describe('a rule in a sentence', () => {
  it.each([
    [ruleOf('queue_unserved', { queue: 'mail' }), 'Queue mail has tasks, and no live worker serves it, for 2 m.'],
    [
      ruleOf('type_unserved', { task_type: 'send', for: 0 }),
      'Type send has tasks in a queue, and no live worker takes it there.',
    ],
    [
      ruleOf('failing', { for: 0, task_type: 'send' }),
      'At least 10 tasks of type send fail for the same cause within 1 h.',
    ],
    [ruleOf('waiting_long', { for: 0 }), 'The first task in a queue waits more than 10 m.'],
    [ruleOf('queue_depth', { threshold: 1, for: 0 }), 'More than 1 task waits in a queue.'],
    [
      ruleOf('failure_rate', { threshold: 2.5, queue: 'mail', for: 0 }),
      'More than 2.5 % of the tasks of queue mail that ended within 5 m have failed, of 20 or more.',
    ],
    [ruleOf('workers_few', { threshold: 3, queue: 'mail', for: 0 }), 'Fewer than 3 workers serve queue mail.'],
  ])('tells when it fires', (rule, sentence) => {
    expect(conditionText(rule)).toBe(sentence)
  })

  it('names the number in each kind that has one, and hints at each kind', () => {
    for (const kind of alertKinds) {
      const rule = ruleOf(kind, { threshold: alertKindFacts[kind].threshold === null ? null : 77 })
      expect(/\b77\b|1 m 17 s/.test(conditionText(rule))).toBe(alertKindFacts[kind].threshold !== null)
      expect(kindHints[kind]).toMatch(/\.$/)
    }
    expect(thresholdLabel({ unit: 'percent', holds: 'above', min: 0, max: 99, otherwise: 25 })).toBe(
      'More than so many per cent',
    )
  })
})

describe('the form of a rule', () => {
  it('says of each kind only what that kind can say', () => {
    for (const kind of alertKinds) {
      const { threshold, windows, least, queue, takesType } = alertKindFacts[kind]
      const said = Object.keys(draftOf({ ...fieldsOfKind(kind), queue: 'q', task_type: 't' }))
      expect(said.includes('threshold')).toBe(threshold !== null)
      expect(said.includes('window')).toBe(windows !== null)
      expect(said.includes('least')).toBe(least !== null)
      expect(said.includes('queue')).toBe(queue !== null)
      expect(said.includes('task_type')).toBe(takesType)
    }
  })

  it('gives a rule back as it was, without its kind, which never changes', () => {
    const { name, threshold, window, least, severity, queue } = ruleOf('failure_rate', { queue: 'mail' })
    expect(changeOf(fieldsOf(ruleOf('failure_rate', { queue: 'mail' })))).toEqual({
      ...{ name, threshold, window, least, severity, queue },
      for: 120,
    })
  })

  it('never takes an empty number for nought, and an empty place is every one', () => {
    const draft = draftOf({ ...fieldsOfKind('queue_depth'), threshold: ' ', queue: ' ' })
    expect(draft).toMatchObject({ threshold: Number.NaN, queue: null })
  })

  it('keeps name, place and times when another kind is chosen, and begins its numbers anew', () => {
    const first = { ...fieldsOfKind('queue_depth'), name: 'Mine', queue: 'mail', for: '300', threshold: '5' }
    expect(fieldsOfKind('waiting_long', first)).toMatchObject({
      name: 'Mine',
      queue: 'mail',
      for: '300',
      threshold: '600',
    })
  })

  it('offers the time that a rule says already among the usual ones', () => {
    expect(lastingChoices('45').map(([value]) => value)).toEqual(expect.arrayContaining(['0', '30', '45', '60']))
    expect(lastingChoices('60').filter(([value]) => value === '60')).toHaveLength(1)
  })
})

describe('the address of the alerts', () => {
  it('says tab, filters and one alert, and nothing else', () => {
    expect(readAlertsSearch({ tab: 'history', rule: 12, severity: 'critical', alert: '7', more: 'x' })).toEqual({
      tab: 'history',
      rule: '12',
      severity: 'critical',
      alert: 7,
    })
    expect(readAlertsSearch({ tab: 'none', rule: '', severity: 'bad', alert: '-1' })).toEqual({})
  })
})
