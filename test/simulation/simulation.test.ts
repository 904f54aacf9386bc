import { describe, expect, it, vi } from 'vitest'
import { regressions } from './regressions.ts'
import { createScenario, type StoreKind } from './scenario.ts'
import { type Outcome, simulate } from './simulation.ts'

// Small bounds bring the rare paths into runs of a dozen tasks: children left over to a sweep.
vi.mock('@tasklane/protocol', async load => {
  const actual = await load<typeof import('@tasklane/protocol')>()
  return { ...actual, limits: { ...actual.limits, releasedInTransactionMax: 3 } }
})

const seeds: Readonly<Record<StoreKind, number>> = { memory: 140, sqlite: 60 }
/** Seeds to a test, so that a failure names the seed and stops nobody else. */
const seedsPerTest = 20

describe.each(['memory', 'sqlite'] as const)('over %s', store => {
  const firsts = Array.from({ length: seeds[store] / seedsPerTest }, (_, at) => at * seedsPerTest)
  it.each(firsts)('every promise holds in 20 stories with faults, and all tasks end, from seed %i on', async first => {
    for (let seed = first; seed < first + seedsPerTest; seed += 1) {
      expect(tell(await simulate(createScenario(seed, store)))).toBe(null)
    }
  })
})

it.each(['memory', 'sqlite'] as const)('a seed is one story over %s, told the same way every time', async store => {
  const scenario = createScenario(5, store)
  const first = await simulate(scenario)
  expect(await simulate(scenario)).toEqual(first)
  expect(first.trail).not.toBe((await simulate(createScenario(6, store))).trail)
})

it.each(regressions)('once broken, mended since over $scenario.store: $why', async ({ scenario }) => {
  expect(tell(await simulate(scenario))).toBe(null)
})

function tell({ violation, scenario: { seed, store } }: Outcome): string | null {
  if (violation === null) return null
  const replay = `npm run simulate -- --seed ${seed} --store ${store}`
  return `${violation.invariant}: ${violation.detail} Seen after ${violation.atMs} ms. Replay and shrink: ${replay}`
}
