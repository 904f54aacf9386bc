import type { AccountStore, AuditFilter, AuditRecord } from '../../ports/accounts.ts'

export interface AuditSpan {
  readonly fromMs: number | null
  /** Exclusive. */
  readonly untilMs: number | null
  readonly limit: number
  readonly before: number | null
}

/**
 * One page of the log, newest first, of a span of time. Entries are numbered as they are written, so their times rise with
 * their numbers: a moment is found by halving the numbers, some twenty looks at single rows, and the page begins there.
 * (Nodes' clocks differ a little, and one may be set back: what stands near the edges is looked at once more by its time.)
 */
export async function readAuditPage(
  accounts: Pick<AccountStore, 'audit'>,
  filter: AuditFilter,
  { fromMs, untilMs, limit, before }: AuditSpan,
): Promise<{ readonly records: readonly AuditRecord[]; readonly next: number | null }> {
  const edge = untilMs === null ? null : await firstNumberAt(accounts, untilMs + slackMs)
  const start = edge === null ? before : Math.min(edge, before ?? edge)
  const found = await accounts.audit(filter, { limit: limit + 1, before: start })
  const page = found.slice(0, limit)
  const isPast = fromMs !== null && page.some(({ atMs }) => atMs < fromMs - slackMs)
  const records = page.filter(({ atMs }) => (fromMs === null || atMs >= fromMs) && (untilMs === null || atMs < untilMs))
  // Of a page whose entries were all beside the span there is still a last one to go on from.
  return { records, next: found.length > limit && !isPast ? (page.at(-1)?.number ?? null) : null }
}

/** How far clocks of nodes may be apart before an entry at an edge is missed. */
const slackMs = 5_000
const everything: AuditFilter = { actor: null, action: null, subject: null }

/** The number of the oldest entry at this time or later; one more than the newest where there is none. */
async function firstNumberAt(accounts: Pick<AccountStore, 'audit'>, atMs: number): Promise<number> {
  const newest = await below(null)
  if (newest === null) return 1
  if (newest.atMs < atMs) return newest.number + 1
  // All below `low` is older, all from `high` on is not.
  let low = 1
  let high = newest.number
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const entry = await below(middle + 1)
    if (entry === null || entry.number < low || entry.atMs < atMs) low = middle + 1
    else high = entry.number
  }
  return high

  async function below(number: number | null): Promise<AuditRecord | null> {
    const [entry = null] = await accounts.audit(everything, { limit: 1, before: number })
    return entry
  }
}
