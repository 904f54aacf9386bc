/** What of the page stands in its address: which tab, and what the audit log is filtered by. */
export interface AdminSearch {
  readonly tab?: AdminTab | undefined
  readonly actor?: string | undefined
  readonly action?: string | undefined
  readonly subject?: string | undefined
  /** A span of time that ends now, or moments in RFC 3339. */
  readonly last?: LastSpan | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
}

export const adminTabs = ['users', 'tokens', 'audit', 'about'] as const
export type AdminTab = (typeof adminTabs)[number]

export const lastSpans = ['1h', '24h', '7d', '30d'] as const
export type LastSpan = (typeof lastSpans)[number]

export const spanMs: Readonly<Record<LastSpan, number>> = {
  '1h': 3_600_000,
  '24h': 86_400_000,
  '7d': 7 * 86_400_000,
  '30d': 30 * 86_400_000,
}

/** An address may say anything; what it may not say is left out. */
export function readAdminSearch(search: Readonly<Record<string, unknown>>): AdminSearch {
  const text = (name: string): string | undefined => {
    const value = search[name]
    // The router reads a name of digits as a number.
    if (typeof value === 'number') return String(value)
    return typeof value === 'string' && value !== '' ? value.slice(0, 256) : undefined
  }
  const moment = (name: string): string | undefined => {
    const value = text(name)
    return value !== undefined && Number.isFinite(Date.parse(value)) ? value : undefined
  }
  const found: AdminSearch = {
    tab: adminTabs.find(tab => tab === search.tab),
    actor: text('actor'),
    action: text('action'),
    subject: text('subject'),
    last: lastSpans.find(span => span === search.last),
    since: moment('since'),
    until: moment('until'),
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined))
}

/** Whether the log is filtered at all. */
export function isFiltered({ tab: _, ...filter }: AdminSearch): boolean {
  return Object.values(filter).some(value => value !== undefined)
}

/** What the scheduler is asked for; spans are of whole minutes, so that the same view is the same question for a while. */
export function auditQueryOf(search: AdminSearch, nowMs: number): Readonly<Record<string, string | undefined>> {
  const { actor, action, subject, last, since, until } = search
  const minute = Math.floor(nowMs / 60_000) * 60_000
  const from = last === undefined ? since : new Date(minute - spanMs[last]).toISOString()
  return { actor, action, subject, since: from, until: last === undefined ? until : undefined }
}
