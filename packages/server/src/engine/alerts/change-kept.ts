import { Problem } from '../../core/problem.ts'

const triesMax = 5

/** Reads and replaces what was read, again where somebody else replaced it in between. */
export async function changeKept<Kept extends object>(change: () => Promise<Kept | 'stale'>): Promise<Kept> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const kept = await change()
    if (kept !== 'stale') return kept
  }
  throw new Problem('overloaded', 'Others are changing the same thing; try again.')
}
