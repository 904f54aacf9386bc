/** The candidate that was probably meant, or null when none is near: two slips, and fewer in short words. */
export function closestTo(word: string, candidates: readonly string[]): string | null {
  const slipsMax = word.length <= 3 ? 1 : 2
  let best: { readonly candidate: string; readonly slips: number } | null = null
  for (const candidate of candidates) {
    const slips = candidate.startsWith(word) && word.length >= 3 ? 1 : countSlips(word, candidate)
    if (slips <= slipsMax && (best === null || slips < best.slips)) best = { candidate, slips }
  }
  return best?.candidate ?? null
}

/** ` Did you mean X?`, to be put after a sentence, or nothing. */
export function suggest(word: string, candidates: readonly string[]): string {
  const closest = closestTo(word, candidates)
  return closest === null ? '' : ` Did you mean '${closest}'?`
}

/** Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours. */
function countSlips(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let slips = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (isSwap) slips = Math.min(slips, (beforeLast[j - 2] ?? 0) + 1)
      row.push(slips)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}
