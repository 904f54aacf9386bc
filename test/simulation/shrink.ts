import { partsOf, withParts } from './scenario.ts'
import { type Outcome, simulate } from './simulation.ts'

/** Runs that a search for the shortest story may cost. */
const runsMax = 400

/**
 * The shortest story found that breaks the same promise: leaves out halves, quarters, and in the end single tasks and
 * events, as long as it still fails (Zeller's delta debugging).
 */
export async function shrink(failure: Outcome): Promise<Outcome> {
  const { scenario, violation } = failure
  let shortest = failure
  let runs = 0

  const stillFails = async (kept: readonly string[]): Promise<boolean> => {
    runs += 1
    const outcome = await simulate(withParts(scenario, kept))
    const isSame = outcome.violation?.invariant === violation?.invariant
    if (isSame) shortest = outcome
    return isSame
  }

  let parts = 2
  let kept = partsOf(scenario)
  while (kept.length > 0 && runs < runsMax) {
    const size = Math.ceil(kept.length / parts)
    const shorter = await firstThat(without(kept, size), stillFails)
    if (shorter !== null) {
      kept = shorter
      parts = Math.max(2, parts - 1)
    } else if (size === 1) break
    else parts = Math.min(kept.length, parts * 2)
  }
  return shortest
}

/** The list without its first part, without its second, and so on. */
function without(list: readonly string[], size: number): readonly (readonly string[])[] {
  const starts = Array.from({ length: Math.ceil(list.length / size) }, (_, at) => at * size)
  return starts.map(start => [...list.slice(0, start), ...list.slice(start + size)])
}

async function firstThat<T>(list: readonly T[], isTrue: (each: T) => Promise<boolean>): Promise<T | null> {
  for (const each of list) if (await isTrue(each)) return each
  return null
}
