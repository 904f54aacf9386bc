import { createHash, type Hash } from 'node:crypto'
import type { SqlRow as TargetRow } from '../stores/postgres/database.ts'
import type { SqlRow as SourceRow } from '../stores/sqlite/database.ts'
import { systemClock } from '../system-clock.ts'
import type { Source } from './source.ts'
import { keyAt, type MovedTable, type Place } from './tables.ts'
import type { Target } from './target.ts'

/** One side of a table, put into one number: the SHA-256 over its rows in the order of the key. */
export interface Sum {
  readonly rows: number
  readonly checksum: string
}

const pageRows = 2_000
/** A turn of the event loop once in so many rows, for signals and the progress bar. */
const breathRows = 5_000

/** @param onRows told how many rows were read since the last call */
export async function sumOfSource(source: Source, table: MovedTable, onRows: (rows: number) => void): Promise<Sum> {
  const adding = createSum(table)
  let since = 0
  for (const row of source.rows(table, [])) {
    adding.add(sourceValues(row, table))
    since += 1
    if (since < breathRows) continue
    onRows(since)
    since = 0
    await breath()
  }
  onRows(since)
  return adding.sum()
}

export async function sumOfTarget(target: Target, table: MovedTable, onRows: (rows: number) => void): Promise<Sum> {
  const adding = createSum(table)
  const keys = keyAt(table)
  let after: Place = []
  for (;;) {
    const rows: readonly TargetRow[] = await target.page(table, after, pageRows)
    for (const row of rows) adding.add(row)
    onRows(rows.length)
    const last = rows.at(-1)
    if (last === undefined || rows.length < pageRows) return adding.sum()
    after = keys.map(at => toKey(last[at]))
  }
}

function toKey(value: TargetRow[number] | undefined): string | number {
  return typeof value === 'number' ? value : String(value)
}

/** As the server tells them: flags as booleans, long texts by their digests. */
function sourceValues(row: SourceRow, { columns }: MovedTable): TargetRow {
  return row.map((value, at) => {
    const kind = columns[at]?.kind
    if (value === null) return null
    if (kind === 'flag') return value !== 0
    return kind === 'long' ? createHash('sha256').update(String(value)).digest('hex') : value
  })
}

function createSum(table: MovedTable): { add(row: TargetRow): void; sum(): Sum } {
  const hash: Hash = createHash('sha256').update(table.name)
  let rows = 0
  return {
    add(row) {
      // As JSON no two rows are the same text, and a number is the same on both sides.
      hash.update(JSON.stringify(row))
      rows += 1
    },
    sum: () => ({ rows, checksum: hash.digest('hex') }),
  }
}

function breath(): Promise<void> {
  return new Promise(resolve => systemClock.soon(resolve))
}
