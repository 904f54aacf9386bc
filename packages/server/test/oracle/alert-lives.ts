import fc from 'fast-check'
import { expect } from 'vitest'
import type { AlertMove, AlertRecord } from '../../src/core/alert.ts'
import type { NoticeOutcome, NoticeRecord } from '../../src/ports/alerts.ts'
import type { Store } from '../../src/ports/store.ts'
import { createMemoryStore } from '../../src/stores/memory/memory-store.ts'
import { changing, channelSettings, dropping, opening, resolving, ruleDraft } from '../support/alert-moves.ts'
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts'
import type { OpenStore } from './compare.ts'
import type { Lives } from './lives.ts'

/** What may happen to alerts. Alerts and notices are named by how far back they were opened or taken. */
type AlertCommand =
  | { readonly kind: 'open'; readonly opens: readonly OpenSpec[] }
  | { readonly kind: 'move'; readonly moves: readonly MoveSpec[] }
  | { readonly kind: 'silence'; readonly back: number; readonly forMs: number | null }
  | { readonly kind: 'channel'; readonly at: number; readonly after: number | null; readonly isEnabled: boolean }
  | { readonly kind: 'remove_channel'; readonly at: number }
  | { readonly kind: 'rule'; readonly at: number; readonly after: number | null; readonly threshold: number }
  | { readonly kind: 'remove_rule'; readonly at: number }
  | { readonly kind: 'take'; readonly limit: number; readonly triesInOrder: number }
  | {
      readonly kind: 'settle'
      readonly back: number
      readonly retryInMs: number | null
      readonly as: NoticeOutcome['kind']
    }
  | { readonly kind: 'prune'; readonly keepMs: number; readonly most: number }
  | { readonly kind: 'advance'; readonly ms: number }

interface OpenSpec {
  readonly queue: number
  readonly rule: number
  readonly isFiring: boolean
  readonly tell: readonly string[]
}

interface MoveSpec {
  readonly back: number
  readonly verb: 'note' | 'fire' | 'restart' | 'resolve' | 'drop'
  /** The turn is one that the alert has left behind. */
  readonly isLate: boolean
  readonly tell: readonly string[]
  readonly remind: readonly string[]
}

const channels = ['c0', 'c1', 'c2']
const tell = fc.subarray(channels)
const back = fc.nat(4)
const at = fc.nat(1)
const after = fc.option(fc.integer({ min: 1, max: 3 }))
const command: fc.Arbitrary<AlertCommand> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('open'),
      opens: fc.array(fc.record({ queue: fc.nat(2), rule: at, isFiring: fc.boolean(), tell }), { maxLength: 3 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('move'),
      moves: fc.array(
        fc.record({
          back,
          verb: fc.constantFrom('note', 'fire', 'fire', 'restart', 'resolve', 'drop'),
          remind: tell,
          isLate: fc.integer({ min: 0, max: 3 }).map(each => each === 0),
          tell,
        }),
        { maxLength: 3 },
      ),
    }),
  },
  fc.record({ kind: fc.constant('silence'), back, forMs: fc.option(fc.nat(10_000)) }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('channel'), at, after, isEnabled: fc.boolean() }) },
  fc.record({ kind: fc.constant('remove_channel'), at }),
  fc.record({ kind: fc.constant('rule'), at, after, threshold: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant('remove_rule'), at }),
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('take'), limit: fc.nat(3), triesInOrder: fc.integer({ min: 1, max: 2 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('settle'),
      back,
      retryInMs: fc.option(fc.nat(5_000)),
      as: fc.constantFrom<NoticeOutcome['kind']>('sent', 'failed', 'dropped'),
    }),
  },
  fc.record({ kind: fc.constant('prune'), keepMs: fc.nat(20_000), most: fc.nat(3) }),
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('advance'), ms: fc.nat(8_000) }) },
)

/** Leads the model and the store through the same lives of alerts; fails at the first answer or sight that differs. */
export async function compareAlertLives(open: OpenStore, { parameters }: Lives): Promise<void> {
  const lives = fc.array(command, { minLength: 1, maxLength: 60, size: 'max' })
  await fc.assert(
    fc.asyncProperty(lives, async commands => {
      const clock = createVirtualClock()
      const parts = { clock, headStartMs: 0 }
      const store = await open(parts)
      try {
        await store.migrate()
        await compareLives(startLife(createMemoryStore(parts)), startLife(store), clock, commands)
      } finally {
        await store.close()
      }
    }),
    parameters,
  )
}

/** One of the two stores, and what it told so far, under its own numbers. */
interface Life {
  readonly store: Store
  readonly alerts: AlertRecord[]
  readonly notices: NoticeRecord[]
  ids: number
}

function startLife(store: Store): Life {
  return { store, alerts: [], notices: [], ids: 0 }
}

async function compareLives(
  model: Life,
  other: Life,
  clock: VirtualClock,
  commands: readonly AlertCommand[],
): Promise<void> {
  const plain = [withoutNumbers(), withoutNumbers()] as const
  for (const [index, each] of commands.entries()) {
    if (each.kind === 'advance') clock.pause(each.ms)
    const expected = plain[0](await perform(model, each))
    expect(plain[1](await perform(other, each)), `the answer to command ${index} (${each.kind})`).toEqual(expected)
    if (index % 5 === 4 || index === commands.length - 1) {
      expect(plain[1](await lookAt(other)), `the state after command ${index}`).toEqual(plain[0](await lookAt(model)))
    }
  }
}

async function perform(life: Life, each: AlertCommand): Promise<unknown> {
  const { store } = life
  switch (each.kind) {
    case 'open':
      return moveAll(
        life,
        // In the order in which a server opens them, so that their numbers are in the same order.
        [...each.opens]
          .sort((one, other) => one.rule - other.rule || one.queue - other.queue)
          .map(({ queue, rule, isFiring, tell: told }) =>
            opening(`q${queue}`, {
              rule: `r${rule}`,
              state: isFiring ? 'firing' : 'pending',
              tell: isFiring ? told : [],
            }),
          ),
      )
    case 'move':
      return moveAll(
        life,
        each.moves.flatMap(spec => moveOf(life, spec) ?? []),
      )
    case 'silence': {
      const ends = { afterMs: each.forMs ?? 0 }
      const silence = each.forMs === null ? null : { ends, reason: 'Known.', by: null }
      return store.silenceAlert(backOf(life.alerts, each.back)?.number ?? 0, silence)
    }
    case 'channel': {
      const settings = channelSettings({ isEnabled: each.isEnabled })
      return store.putAlertChannel({ id: channels[each.at] ?? '', settings }, each.after, 2)
    }
    case 'remove_channel':
      return store.removeAlertChannel(channels[each.at] ?? '')
    case 'rule':
      return store.putAlertRule(ruleDraft(`r${each.at}`, { threshold: each.threshold }), each.after, 1)
    case 'remove_rule':
      return store.removeAlertRule(`r${each.at}`)
    case 'take': {
      const taken = await store.takeNotices({ limit: each.limit, leaseMs: 3_000, triesInOrder: each.triesInOrder })
      life.notices.push(...taken)
      return taken.map(({ number: _, id, alerts, ...notice }) => ({
        ...notice,
        noticeId: id,
        alerts: JSON.parse(alerts),
      }))
    }
    case 'settle': {
      const notice = backOf(life.notices, each.back)
      if (notice === undefined) return null
      const failed = { kind: 'failed', detail: 'No.', retryInMs: each.retryInMs } as const
      return store.settleNotice(notice, each.as === 'failed' ? failed : { kind: each.as })
    }
    case 'prune':
      return store.pruneAlerts({ keepMs: each.keepMs, most: each.most, noticeKeepMs: each.keepMs, limit: 2 })
    case 'advance':
      return null
  }
}

function moveOf(life: Life, spec: MoveSpec): AlertMove | null {
  const known = backOf(life.alerts, spec.back)
  if (known === undefined) return null
  const alert = { ...known, turn: spec.isLate ? known.turn - 1 : known.turn }
  switch (spec.verb) {
    case 'resolve':
      return resolving(alert)
    case 'drop':
      return dropping(alert)
    case 'note':
      return changing(alert, { isNews: false })
    case 'restart':
      return changing(alert, { state: 'pending', isNew: true })
    case 'fire': {
      const news = spec.tell.filter(channel => !alert.told.includes(channel))
      const remind = spec.remind.filter(channel => alert.told.includes(channel))
      return changing(alert, { state: 'firing', tell: news, told: [...alert.told, ...news], remind })
    }
  }
}

/** An alert that was resolved or dropped has no moves any more: what is moved is open, as those who look see to it. */
async function moveAll(life: Life, moves: readonly AlertMove[]): Promise<unknown> {
  const known = new Set<number>()
  const sound = moves.filter(move => {
    if (move.kind === 'open') return true
    const state = life.alerts.find(alert => alert.number === move.number)?.state
    const isFirst = !known.has(move.number)
    known.add(move.number)
    return isFirst && state !== 'resolved'
  })
  const written = await life.store.moveAlerts(sound, () => {
    life.ids += 1
    return `n${life.ids}`
  })
  for (const alert of written) {
    if (alert === null) continue
    const place = life.alerts.findIndex(each => each.number === alert.number)
    if (place === -1) life.alerts.push(alert)
    else life.alerts[place] = alert
  }
  return written
}

async function lookAt({ store }: Life): Promise<unknown> {
  const everything = { states: null, severities: null, ruleId: null }
  const page = { limit: 100, before: null }
  const all = await store.alerts(everything, page)
  return {
    all,
    open: (await store.openAlerts()).length,
    firing: await store.alerts({ ...everything, states: ['firing'], ruleId: 'r0' }, page),
    silences: [...(await store.silences())].map(each => JSON.stringify(each)).sort(),
    rules: await store.alertRules(),
    channels: await store.alertChannels(),
    one: all[0] === undefined ? null : await store.alert(all[0].number),
  }
}

function backOf<Item>(items: readonly Item[], far: number): Item | undefined {
  return items[items.length - 1 - far]
}

/** Numbers and ids may have gaps: alerts and notices are known by the order in which they were seen first. */
function withoutNumbers(): (value: unknown) => unknown {
  const seen = new Map<unknown, number>()
  return value =>
    JSON.parse(
      JSON.stringify({ value }, (key, inner: unknown) => {
        if (key !== 'number' && key !== 'noticeId') return inner
        const known = seen.get(inner) ?? seen.size + 1
        seen.set(inner, known)
        return known
      }),
    )
}
