import { fingerprintOf } from '../../core/fingerprint.ts'
import { compareRanked } from '../../core/rank.ts'
import type { FailureGroup, FailuresAsk, Waiting } from '../../ports/store.ts'
import { pauseOf } from './pauses.ts'
import type { Row } from './rows.ts'
import type { World } from './world.ts'

/** A failed task's fingerprint. */
export function printOf(row: Row): string | null {
  return row.state === 'failed' ? fingerprintOf(row.type, row.error) : null
}

export function failures(world: World, ask: FailuresAsk): readonly FailureGroup[] {
  const groups = new Map<string, Omit<FailureGroup, 'newest'> & { readonly number: number }>()
  const failed = [...world.byNumber.values()].flatMap(row => {
    const fingerprint = printOf(row)
    return fingerprint === null ? [] : [{ row, fingerprint, atMs: row.finishedAtMs ?? 0 }]
  })
  const fromMs = world.clock.now() - ask.withinMs
  const cellMs = Math.max(1, Math.ceil(ask.withinMs / ask.cells))
  const recent = failed.filter(each => each.atMs >= fromMs)
  for (const { row, fingerprint, atMs } of recent.sort((one, other) => other.atMs - one.atMs).slice(0, ask.most)) {
    const group = groups.get(fingerprint)
    const newest = group === undefined || row.number > group.number ? row : null
    const cell = Math.min(Math.floor((atMs - fromMs) / cellMs), ask.cells - 1)
    const trend = group?.trend ?? Array.from({ length: ask.cells }, () => 0)
    groups.set(fingerprint, {
      fingerprint,
      type: row.type,
      count: (group?.count ?? 0) + 1,
      firstAtMs: Math.min(group?.firstAtMs ?? atMs, atMs),
      lastAtMs: Math.max(group?.lastAtMs ?? atMs, atMs),
      number: newest?.number ?? group?.number ?? row.number,
      sample: newest?.id ?? group?.sample ?? row.id,
      trend: trend.map((n, at) => (at === cell ? n + 1 : n)),
      error: newest === null ? (group?.error ?? null) : newest.error,
    })
  }
  return [...groups.values()]
    .sort((one, other) => other.lastAtMs - one.lastAtMs || (one.fingerprint < other.fingerprint ? -1 : 1))
    .slice(0, ask.limit)
    .map(({ number: _, ...group }) => ({
      ...group,
      newest: newestOf(
        failed.filter(each => each.fingerprint === group.fingerprint).map(each => each.row),
        ask.newest,
      ),
    }))
}

function newestOf(rows: readonly Row[], most: number): FailureGroup['newest'] {
  const newest = [...rows].sort((one, other) => other.number - one.number).slice(0, most)
  return {
    count: newest.length,
    queues: [...new Set(newest.map(row => row.queue))].sort(),
    workers: [...new Set(newest.flatMap(row => row.workerId ?? []))].sort(),
    usedUp: newest.filter(row => row.attempt - row.crashes > row.maxRetries).length,
  }
}

export function waiting(world: World, looked: number): Waiting {
  const rows = [...world.byNumber.values()]
  const lanes = new Map<string, Row[]>()
  for (const row of rows.filter(each => each.state === 'pending')) {
    const key = `${row.queue}\n${row.type}`
    lanes.set(key, [...(lanes.get(key) ?? []), row])
  }
  const due = rows.flatMap(row => (row.state === 'scheduled' && row.runAtMs !== null ? row.runAtMs : []))
  return {
    nowMs: world.clock.now(),
    nextRunAtMs: due.length === 0 ? null : due.reduce((least, at) => Math.min(least, at)),
    lanes: [...lanes]
      .sort(([key, one], [otherKey, other]) => other.length - one.length || (key < otherKey ? -1 : 1))
      .flatMap(([, line], at) => {
        const [first] = line.sort(compareRanked)
        if (first === undefined) return []
        return {
          queue: first.queue,
          type: first.type,
          pause: pauseOf(world, first.queue),
          pending: line.length,
          first: at < looked ? { id: first.id, dueAtMs: first.dueAtMs } : null,
        }
      }),
  }
}
