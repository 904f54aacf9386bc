import { parseArgs } from 'node:util'
import { createScenario, partsOf, type StoreKind, withParts } from './scenario.ts'
import { shrink } from './shrink.ts'
import { type Outcome, simulate } from './simulation.ts'

/**
 * The simulation as a command. Started by scripts/simulate.mjs and scripts/simulate-mutants.mjs, in a sandbox.
 * Exit codes: 0 every promise held, 1 one was broken, 2 the flags are wrong.
 */
const { values: flags } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string' },
    store: { type: 'string', default: 'both' },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

const progressEveryMs = 5_000

/** A promise that nobody waited for broke: the engine lost track of a call. */
let stray: string | null = null
process.on('unhandledRejection', error => {
  stray ??= `A promise broke that nobody waits for: ${String(error)}`
})

await main()

async function main(): Promise<void> {
  const stores = storesOf(flags.store)
  const from = wholeNumber('seed', flags.seed ?? flags.from)
  const count = flags.seed === undefined ? wholeNumber('seeds', flags.seeds) : 1
  const only = flags.only?.split(',')
  const beganMs = performance.now()
  let toldMs = beganMs
  let tasks = 0
  for (let done = 0; done < count; done += 1) {
    for (const store of stores) {
      const scenario = createScenario(from + done, store)
      const outcome = await attempt(() => simulate(only === undefined ? scenario : withParts(scenario, only)))
      tasks += outcome.tasks
      if (outcome.violation !== null) return report(outcome)
    }
    const nowMs = performance.now()
    if (flags.json || nowMs - toldMs < progressEveryMs) continue
    toldMs = nowMs
    const perSecond = ((done + 1) / (nowMs - beganMs)) * 1_000
    console.log(`${done + 1} of ${count} seeds, ${perSecond.toFixed(1)} a second, ${tasks} tasks; every promise held.`)
  }
  if (flags.json) console.log(JSON.stringify({ ok: true, seeds: count }))
  else console.log(`Every promise held over ${count} seeds from ${from} on (${stores.join(', ')}; ${tasks} tasks).`)
}

/** A promise that broke on its own is the story's fault, too. */
async function attempt(run: () => Promise<Outcome>): Promise<Outcome> {
  stray = null
  const outcome = await run()
  if (stray === null || outcome.violation !== null) return outcome
  return { ...outcome, violation: { invariant: 'no fault of our own', detail: stray, atMs: outcome.elapsedMs } }
}

async function report(failure: Outcome): Promise<void> {
  process.exitCode = 1
  const { scenario, violation } = failure
  if (flags.json) {
    console.log(JSON.stringify({ ok: false, seed: scenario.seed, store: scenario.store, ...violation }))
    return
  }
  console.log(`\nSeed ${scenario.seed} over ${scenario.store} broke a promise, after ${violation?.atMs} ms:`)
  console.log(`  ${violation?.invariant}: ${violation?.detail}`)
  const shortest = await shrink(failure)
  const kept = partsOf(shortest.scenario)
  console.log(`\nThe shortest story that does so has ${kept.length} of ${partsOf(scenario).length} parts:`)
  for (const { number, atMs, ...event } of shortest.scenario.events) {
    console.log(`  ${String(number).padStart(3)}  ${String(atMs).padStart(6)} ms  ${JSON.stringify(event)}`)
  }
  console.log(`  ${shortest.violation?.invariant}: ${shortest.violation?.detail}`)
  const replay = `npm run simulate -- --seed ${scenario.seed} --store ${scenario.store} --only ${kept.join(',')}`
  console.log(`\nReplay it with: ${replay}`)
  console.log('When it is mended, tell it in test/simulation/regressions.ts.')
}

function storesOf(text: string): readonly StoreKind[] {
  if (text === 'both') return ['memory', 'sqlite']
  if (text === 'memory' || text === 'sqlite') return [text]
  return refuse(`--store '${text}' is unknown; it is memory, sqlite or both.`)
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  return Number.isSafeInteger(value) && value >= 0 ? value : refuse(`--${name} '${text}' is not a whole number.`)
}

function refuse(sentence: string): never {
  console.error(sentence)
  process.exit(2)
}
