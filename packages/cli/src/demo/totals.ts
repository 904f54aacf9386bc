import { type TermCounts, type TextCount, topTerms } from './text-counter.ts'

/** What a merge task returns: exact sums, and the most frequent terms of what its parents handed on. */
export interface Totals {
  readonly files: number
  readonly bytes: number
  readonly lines: number
  readonly words: number
  readonly top: TermCounts
}

/** Terms a merge hands on: about 10 KiB, enough that the first ten do not depend on the shape of the tree. */
const mergedTermsMax = 500

export const noTotals: Totals = { files: 0, bytes: 0, lines: 0, words: 0, top: [] }

/** The totals of a single file. */
export function totalsOf(count: TextCount): Totals {
  return { files: 1, bytes: count.bytes, lines: count.lines, words: count.words, top: count.top }
}

/** Adds up; sums stay exact far beyond any folder (2^53 bytes). */
export function mergeTotals(parts: Iterable<Totals>): Totals {
  const terms = new Map<string, number>()
  const sum = { files: 0, bytes: 0, lines: 0, words: 0 }
  for (const part of parts) {
    sum.files += part.files
    sum.bytes += part.bytes
    sum.lines += part.lines
    sum.words += part.words
    for (const [term, count] of part.top) terms.set(term, (terms.get(term) ?? 0) + count)
  }
  return { ...sum, top: topTerms(terms, mergedTermsMax) }
}

/** Whether the four sums agree; the terms are a sample and are not compared. */
export function sameTotals(a: Omit<Totals, 'top'>, b: Omit<Totals, 'top'>): boolean {
  return a.files === b.files && a.bytes === b.bytes && a.lines === b.lines && a.words === b.words
}
