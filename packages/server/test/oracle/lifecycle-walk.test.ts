import type { TaskState } from '@tasklane/protocol'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { type TransitionName, transitions } from '../../src/core/lifecycle.ts'
import type { TaskId } from '../../src/core/task.ts'
import type { Store } from '../../src/ports/store.ts'
import { createMemoryStore } from '../../src/stores/memory/memory-store.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { type Command, command } from './commands.ts'
import { createRun, learn, toCall } from './perform.ts'

vi.mock('@tasklane/protocol', async load => {
  const actual = await load<typeof import('@tasklane/protocol')>()
  return { ...actual, limits: { ...actual.limits, releasedInTransactionMax: 3 } }
})

type Place = TaskState | 'none'

const endings: readonly TransitionName[] = ['complete', 'fail', 'retry', 'release', 'lose', 'unblock', 'cascade']

/** The ways by which each command may move a task, its own and those that follow from an end. */
const waysOf: Readonly<Record<Exclude<Command['kind'], 'exchange'>, readonly TransitionName[]>> = {
  submit: ['submit'],
  claim: ['claim'],
  settle: endings,
  beat: ['extend'],
  cancel: ['cancel', 'cascade', 'unblock'],
  requeue: ['requeue'],
  reprioritise: ['reprioritise'],
  by_hand: ['complete_by_hand', 'unblock'],
  remove: ['prune'],
  promote: ['promote'],
  reap: ['lose', 'fail', 'retry', 'unblock', 'cascade'],
  unblock: ['unblock', 'cascade'],
  prune: ['prune'],
  register: [],
  drain: [],
  // A release under a cancel mark is an end, too.
  deregister: ['release', 'unblock', 'cascade'],
  set_queue: [],
  append_logs: [],
  account: [],
  advance: [],
}

it('every step of every random life is one of the transitions, and its epoch never goes back', async () => {
  const walked = new Set<string>()
  const lives = fc.array(command, { minLength: 1, maxLength: 70, size: 'max' })
  await fc.assert(
    fc.asyncProperty(lives, commands => walk(commands, walked)),
    { numRuns: 150 },
  )
  // The walk is worth something only if it went nearly everywhere.
  const ways = Object.values(transitions).flatMap(({ from, to }) =>
    from.flatMap(one => to.map(two => `${one} → ${two}`)),
  )
  const known = new Set(ways)
  expect([...walked].filter(step => !known.has(step))).toEqual([])
  expect(walked.size).toBeGreaterThan(15)
})

async function walk(commands: readonly Command[], walked: Set<string>): Promise<void> {
  const clock = createVirtualClock()
  const store = createMemoryStore({ clock })
  const run = createRun(clock.now)
  let before = new Map<TaskId, { readonly state: TaskState; readonly epoch: number }>()
  for (const each of commands) {
    if (each.kind === 'advance') clock.pause(each.ms)
    // One exchange may take a task several steps at once; its parts are commands of their own here.
    if (each.kind === 'exchange') continue
    const call = toCall(each, run)
    if (call === null) continue
    learn(run, await call(store))
    const after = await statesOf(store, [...before.keys(), ...run.drafts.map(({ id }) => id)])
    for (const id of new Set([...before.keys(), ...after.keys()])) {
      const from: Place = before.get(id)?.state ?? 'none'
      const to: Place = after.get(id)?.state ?? 'none'
      if (from === to) continue
      const step = `${from} → ${to}`
      walked.add(step)
      const isAllowed = waysOf[each.kind].some(
        way => transitions[way].from.includes(from) && transitions[way].to.includes(to),
      )
      expect(isAllowed, `${each.kind} moved ${id}: ${step}`).toBe(true)
      if (from !== 'none' && to !== 'none') {
        expect(after.get(id)?.epoch ?? 0).toBe((before.get(id)?.epoch ?? 0) + (to === 'running' ? 1 : 0))
      }
    }
    before = after
  }
}

async function statesOf(
  store: Store,
  ids: readonly TaskId[],
): Promise<Map<TaskId, { readonly state: TaskState; readonly epoch: number }>> {
  const records = await Promise.all([...new Set(ids)].map(id => store.task(id)))
  return new Map(records.flatMap(record => (record === null ? [] : [[record.id, record] as const])))
}
