import { limits } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { type AlertLook, type AlertRecord, decideAlerts, noteEveryMs, subjectKey, unseenMs } from './alert.ts'
import { type AlertRule, completeRule, type Trouble } from './alert-rule.ts'

const nowMs = 1_000_000
const rule: AlertRule = { id: 'r', ...completeRule({ name: 'r', kind: 'queue_paused', forMs: 60_000 }) }
const nothing = { type: null, workerId: null, fingerprint: null }

function trouble(queue: string, value = 1): Trouble {
  return { ...nothing, kind: 'queue_paused', queue, detail: 'Paused.', value, of: null, windowSeconds: null }
}

function alert(queue: string, more: Partial<AlertRecord> = {}): AlertRecord {
  const facts = {
    ruleId: 'r',
    ruleName: 'r',
    kind: 'queue_paused',
    subject: { ...nothing, queue, isRest: false },
  } as const
  const seen = { severity: 'warning', detail: 'Paused.', value: 1 } as const
  const times = { sinceMs: nowMs - 10_000, firedAtMs: null, resolvedAtMs: null, notedAtMs: nowMs - 10_000 }
  return {
    ...facts,
    ...seen,
    ...times,
    number: 1,
    turn: 7,
    state: 'pending',
    told: [],
    tellings: {},
    silence: null,
    ...more,
  }
}

const firing = { state: 'firing', firedAtMs: nowMs - 5_000 } as const

function decide(look: Partial<AlertLook>) {
  return decideAlerts({ nowMs, rules: [rule], channels: [], open: [], silenced: [], troubles: [], ...look })
}

const unreminded = { remindEveryMs: null, isBehind: false }
const channels = [
  { id: 'all', severities: ['warning', 'critical'], isEnabled: true, ...unreminded },
  { id: 'bad', severities: ['critical'], isEnabled: true, ...unreminded },
  { id: 'off', severities: ['warning'], isEnabled: false, ...unreminded },
] as const

const reminding = { severities: ['warning'], isEnabled: true, remindEveryMs: 60_000, isBehind: false } as const
const toldAMinuteAgo = { atMs: nowMs - 60_000, reminders: 2 }
const tellings = { due: toldAMinuteAgo, soon: toldAMinuteAgo, behind: toldAMinuteAgo, off: toldAMinuteAgo }

describe('what is decided about one subject', () => {
  const held = { sinceMs: nowMs - 60_000 }
  const cases: [string, Partial<AlertLook>, object[]][] = [
    ['nothing, where all is well', {}, []],
    ['it opens as pending', { troubles: [trouble('q')] }, [{ kind: 'open', state: 'pending', tell: [] }]],
    [
      'it opens as firing where the rule waits for nothing, and is told',
      { rules: [{ ...rule, forMs: 0 }], troubles: [trouble('q')], channels },
      [{ kind: 'open', state: 'firing', tell: ['all'] }],
    ],
    [
      'it opens untold where the subject is silenced',
      {
        rules: [{ ...rule, forMs: 0 }],
        troubles: [trouble('q')],
        channels,
        silenced: [{ ruleId: 'r', subject: subjectKey(alert('q').subject), untilMs: nowMs + 1 }],
      },
      [{ kind: 'open', state: 'firing', tell: [] }],
    ],
    ['a pending one stays while its time is not up', { troubles: [trouble('q')], open: [alert('q')] }, []],
    ['a pending one is dropped when it is over', { open: [alert('q')] }, [{ kind: 'drop', number: 1, turn: 7 }]],
    [
      'a pending one fires when its time is up',
      { troubles: [trouble('q', 4)], open: [alert('q', held)], channels },
      [{ kind: 'change', state: 'firing', tell: ['all'], told: ['all'], sight: { value: 4 }, isNews: true }],
    ],
    [
      'a pending one that nobody has looked at begins anew',
      { troubles: [trouble('q')], open: [alert('q', { sinceMs: 0, notedAtMs: nowMs - unseenMs - 1 })] },
      [{ kind: 'change', state: 'pending', isNew: true }],
    ],
    ['a firing one stays', { troubles: [trouble('q')], open: [alert('q', firing)] }, []],
    [
      'a firing one is noted now and then',
      { troubles: [trouble('q', 9)], open: [alert('q', { ...firing, notedAtMs: nowMs - noteEveryMs })] },
      [{ kind: 'change', state: 'firing', sight: { value: 9 }, isNew: false, isNews: false }],
    ],
    [
      'a firing one takes the severity of its rule, and whom that concerns is told',
      {
        rules: [{ ...rule, severity: 'critical' }],
        troubles: [trouble('q')],
        open: [alert('q', { ...firing, told: ['all'] })],
        channels,
      },
      [{ kind: 'change', state: 'firing', tell: ['bad'], told: ['all', 'bad'], sight: { severity: 'critical' } }],
    ],
    [
      'a firing one that was silenced is told when the silence is over',
      {
        troubles: [trouble('q')],
        open: [alert('q', { ...firing, silence: { untilMs: nowMs, reason: '', by: null, atMs: 0 } })],
        channels,
      },
      [{ kind: 'change', tell: ['all'], isNews: false }],
    ],
    [
      'a firing one that is silenced is not told',
      {
        troubles: [trouble('q')],
        open: [alert('q', { ...firing, silence: { untilMs: nowMs + 1, reason: '', by: null, atMs: 0 } })],
        channels,
      },
      [],
    ],
    [
      'a firing one reminds whom it is time to remind, of those who were told',
      {
        troubles: [trouble('q', 8)],
        open: [alert('q', { ...firing, told: ['due', 'soon', 'behind', 'off', 'mild', 'never'], tellings })],
        channels: [
          { ...reminding, id: 'due' },
          { ...reminding, id: 'soon', remindEveryMs: 60_001 },
          { ...reminding, id: 'behind', isBehind: true },
          { ...reminding, id: 'off', isEnabled: false },
          { ...reminding, id: 'mild', severities: ['critical'] },
          { ...reminding, id: 'never', remindEveryMs: null },
        ],
      },
      [{ kind: 'change', tell: [], remind: ['due'], tellings, sight: { value: 8 }, isNews: true }],
    ],
    [
      'a firing one that a version without reminders told counts from when it fired',
      {
        troubles: [trouble('q')],
        open: [alert('q', { ...firing, told: ['due', 'soon'] })],
        channels: [
          { ...reminding, id: 'due', remindEveryMs: 5_000 },
          { ...reminding, id: 'soon', remindEveryMs: 5_001 },
        ],
      },
      [{ kind: 'change', remind: ['due'], tellings: {} }],
    ],
    [
      'a firing one reminds also where the clock was set back since somebody was told',
      {
        troubles: [trouble('q')],
        open: [alert('q', { ...firing, told: ['due'], tellings: { due: { atMs: nowMs + 60_000, reminders: 0 } } })],
        channels: [{ ...reminding, id: 'due' }],
      },
      [{ kind: 'change', remind: ['due'] }],
    ],
    [
      'a firing one that is silenced reminds nobody',
      {
        troubles: [trouble('q')],
        open: [
          alert('q', {
            ...firing,
            told: ['due'],
            tellings,
            silence: { untilMs: nowMs + 1, reason: '', by: null, atMs: 0 },
          }),
        ],
        channels: [{ ...reminding, id: 'due' }],
      },
      [],
    ],
    [
      'a firing one is resolved when it is over, and told to whom it was told',
      {
        open: [alert('q', { ...firing, told: ['x'], silence: { untilMs: nowMs + 1, reason: '', by: null, atMs: 0 } })],
        channels,
      },
      [{ kind: 'resolve', number: 1, turn: 7, tell: ['x'] }],
    ],
    [
      'it is over when its rule is disabled',
      { rules: [{ ...rule, isEnabled: false }], troubles: [trouble('q')], open: [alert('q', firing)] },
      [{ kind: 'resolve' }],
    ],
    [
      'it is over when its rule is gone',
      { rules: [], troubles: [trouble('q')], open: [alert('q')] },
      [{ kind: 'drop' }],
    ],
    [
      'it is over when its rule is of another queue',
      { rules: [{ ...rule, queue: 'p' }], troubles: [trouble('q')], open: [alert('q')] },
      [{ kind: 'drop' }],
    ],
  ]
  it.each(cases)('%s', (_, look, moves) => {
    const decided = decide(look)
    expect(decided).toHaveLength(moves.length)
    expect(decided).toMatchObject(moves)
  })
})

describe('a rule with too many subjects', () => {
  const many = Array.from({ length: 10_000 }, (_, at) => trouble(`q${at}`))
  const max = limits.alertsOfRuleMax

  it('has an alert for the worst of them, and one for all the others', () => {
    const moves = decide({ troubles: many })
    expect(moves).toHaveLength(max + 1)
    expect(moves.at(-1)).toMatchObject({
      kind: 'open',
      facts: { subject: { isRest: true, queue: null } },
      sight: { value: 10_000 - max, detail: expect.stringContaining(`${10_000 - max} more`) },
    })
  })

  it('keeps those that it has, wherever they stand among the others', () => {
    const open = [alert('q9999', firing), alert('gone', { number: 2 })]
    const moves = decide({ troubles: many, open })
    expect(moves.filter(move => move.kind === 'open')).toHaveLength(max)
    expect(moves.filter(move => move.kind !== 'open')).toEqual([{ kind: 'drop', number: 2, turn: 7 }])
  })

  it('has no alert for the others any more when there are few', () => {
    const rest = alert('q', { ...firing, number: 9, subject: { ...nothing, queue: null, isRest: true } })
    expect(decide({ troubles: many.slice(0, max), open: [rest] }).filter(move => move.kind !== 'open')).toEqual([
      { kind: 'resolve', number: 9, turn: 7, tell: [] },
    ])
  })
})
