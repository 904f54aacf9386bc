import type { SqlRow, SqlValue } from '../stores/sqlite/database.ts'
import { MoveError } from './move-error.ts'
import { type MoveProgress, progressOf, textOf, withRows } from './progress.ts'
import type { Source } from './source.ts'
import { keyAt, type MovedTable, movedTables, type Place } from './tables.ts'
import type { Target } from './target.ts'

/** A batch is one transaction: as many rows as fit both bounds, and one at least. */
export interface BatchBounds {
  readonly rowsMax: number
  readonly charsMax: number
}

/** 25,000 rows a second in batches of 500 rows, 28,000 of 2,000, 29,000 of 8,000; two batches are held in memory. */
export const batchBoundsDefault: BatchBounds = Object.freeze({ rowsMax: 2_000, charsMax: 8_000_000 })

/** Another process that goes on with the same move may come between a few times; after that it is at work still. */
const lookAgainMax = 10

export interface CopyAsk {
  readonly source: Source
  readonly target: Target
  readonly bounds: BatchBounds
  readonly signal: AbortSignal | null
  /** Told after each commit. @param rows of this batch */
  readonly onBatch: (table: string, rows: number) => void
}

/** Moves what is not moved yet, table by table, in the order of the keys. */
export async function copyTables(ask: CopyAsk, begun: MoveProgress): Promise<MoveProgress> {
  let progress = begun
  for (const table of movedTables) {
    for (let looks = 0; ; looks += 1) {
      const outcome = await copyTable(ask, table, progress)
      progress = outcome.progress
      if (outcome.isDone) break
      if (looks === lookAgainMax) {
        throw new MoveError('interrupted', `Another process is moving into ${ask.target.place}, too. Let one do it.`)
      }
      progress = progressOf((await ask.target.read()).progress)
    }
  }
  return progress
}

async function copyTable(
  ask: CopyAsk,
  table: MovedTable,
  begun: MoveProgress,
): Promise<{ readonly isDone: boolean; readonly progress: MoveProgress }> {
  let progress = begun
  const batches = batchesOf(ask.source.rows(table, begun.moved[table.name]?.after ?? []), table, ask.bounds)
  try {
    for (let batch = nextOf(batches); batch !== null; ) {
      ask.signal?.throwIfAborted()
      const { columns, last, rows } = batch
      const next = withRows(progress, table.name, last, rows)
      const writing = ask.target.write({ table, columns }, textOf(progress), textOf(next))
      // The next one is read while the server writes this one.
      batch = nextWhile(batches, writing)
      if (!(await writing)) return { isDone: false, progress }
      progress = next
      ask.onBatch(table.name, rows)
    }
    return { isDone: true, progress }
  } finally {
    // A statement that was left in the middle would keep the file locked.
    batches.return()
  }
}

function nextOf(batches: Iterator<FilledBatch>): FilledBatch | null {
  const { done, value } = batches.next()
  return done === true ? null : value
}

/** A file that cannot be read must not leave the write behind without anybody who hears of it. */
function nextWhile(batches: Iterator<FilledBatch>, writing: Promise<unknown>): FilledBatch | null {
  writing.catch(() => {})
  return nextOf(batches)
}

interface FilledBatch {
  readonly columns: readonly (readonly SqlValue[])[]
  readonly rows: number
  readonly last: Place
}

function* batchesOf(rows: Iterable<SqlRow>, table: MovedTable, bounds: BatchBounds): Generator<FilledBatch, void> {
  const keys = keyAt(table)
  const emptied = (): SqlValue[][] => table.columns.map(() => [])
  let columns = emptied()
  let count = 0
  let chars = 0
  let last: Place = []
  for (const row of rows) {
    for (const [at, value] of row.entries()) {
      columns[at]?.push(value)
      if (typeof value === 'string') chars += value.length
    }
    count += 1
    last = keys.map(at => row[at] ?? 0)
    if (count < bounds.rowsMax && chars < bounds.charsMax) continue
    yield { columns, rows: count, last }
    columns = emptied()
    count = 0
    chars = 0
  }
  if (count > 0) yield { columns, rows: count, last }
}
