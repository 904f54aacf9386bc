import { explainDatabaseFault } from '../database-error.ts'
import { systemClock } from '../system-clock.ts'
import { sumOfSource, sumOfTarget } from './compare-tables.ts'
import { type BatchBounds, batchBoundsDefault, copyTables } from './copy-tables.ts'
import { MoveError } from './move-error.ts'
import { type MoveProgress, progressOf, textOf } from './progress.ts'
import { openSource, type Source } from './source.ts'
import { movedTables } from './tables.ts'
import { openTarget, type StoredMove, type Target } from './target.ts'

/**
 * Moves everything a SQLite file holds into an empty PostgreSQL database: tasks of every state under their numbers, with
 * attempts, results, edges, keys, logs; lanes and queues, workers, leases with their epochs, counters, what claims with a
 * request id handed out, and parents whose children are still to be told; users, tokens and the audit log.
 *
 * - The file is read, never written, and no scheduler can start on it meanwhile.
 * - Rows are moved in batches. Each commits together with how far it has come (tasklane.house_move), so that a move that
 *   was interrupted anywhere goes on behind the last batch when it is run again.
 * - Nodes refuse to start on the database until the move is finished (`refuseHalfMoved`).
 * - At the end both sides are read in full and compared, a checksum for each table. Only then is the move finished.
 */
export interface MoveAsk {
  /** Path of the SQLite file. */
  readonly file: string
  /** `postgresql://…` */
  readonly url: string
  readonly onProgress?: (step: MoveStep) => void
  /** Ends the move between two batches; its reason is thrown. */
  readonly signal?: AbortSignal
  readonly bounds?: BatchBounds
}

export interface MoveStep {
  readonly phase: 'copying' | 'comparing'
  readonly table: string
  /** Rows of this phase; `total` is the sum over all tables, on both sides where they are compared. */
  readonly done: number
  readonly total: number
}

export interface MoveReport {
  readonly source: string
  /** Without the password. */
  readonly target: string
  readonly tables: readonly TableReport[]
  readonly rows: number
  /** Of these, in this run; less than all where an earlier one was interrupted. */
  readonly rowsCopied: number
  readonly copyMs: number
  readonly compareMs: number
  /** Every table has the same rows on both sides. */
  readonly isVerified: boolean
  /** The next task gets a higher number. */
  readonly lastNumber: number
  /** When an earlier run finished this move; null where this one did. */
  readonly finishedBeforeAtMs: number | null
}

export interface TableReport {
  readonly name: string
  readonly rows: number
  readonly rowsInTarget: number
  readonly sourceChecksum: string
  readonly targetChecksum: string
  readonly isSame: boolean
}

/**
 * Throws `StoreLockedError` and `StoreFileError` for the file; `SchemaError`, `DatabaseError` and `MoveError` for
 * the server. Where the two sides differ at the end it returns, and the move stays unfinished.
 */
export async function moveStore(ask: MoveAsk): Promise<MoveReport> {
  const source = openSource(ask.file)
  try {
    return await moveFrom(source, ask)
  } finally {
    source.close()
  }
}

async function moveFrom(source: Source, ask: MoveAsk): Promise<MoveReport> {
  try {
    const target = await openTarget(ask.url)
    try {
      return await move(ask, source, target)
    } finally {
      await target.close()
    }
  } catch (error) {
    throw error instanceof MoveError || ask.signal?.aborted === true ? error : explainDatabaseFault(error, ask.url)
  }
}

async function move(ask: MoveAsk, source: Source, target: Target): Promise<MoveReport> {
  const fresh: MoveProgress = { counts: Object.fromEntries(source.counts), lastNumber: source.lastNumber, moved: {} }
  const stored = await target.begin({ source: source.path, progress: textOf(fresh) })
  const before = progressOf(stored.progress)
  refuseOther(stored, before, source, target)
  if (stored.finishedAtMs !== null && stored.report !== null) {
    // Written by this function, below.
    return { ...(JSON.parse(stored.report) as MoveReport), rowsCopied: 0, finishedBeforeAtMs: stored.finishedAtMs }
  }
  const total = sum(source.counts.values())
  const already = sum(Object.values(before.moved).map(each => each.rows))
  const copied = await measure(async () => {
    const tell = counting(ask, 'copying', total, already)
    const bounds = ask.bounds ?? batchBoundsDefault
    const progress = await copyTables({ source, target, bounds, signal: ask.signal ?? null, onBatch: tell }, before)
    await target.settleIn(source)
    return sum(Object.values(progress.moved).map(each => each.rows)) - already
  })
  const compared = await measure(() => compareTables(ask, source, target, total))
  const report: MoveReport = {
    source: source.path,
    target: target.place,
    tables: compared.value,
    rows: total,
    rowsCopied: copied.value,
    copyMs: copied.ms,
    compareMs: compared.ms,
    isVerified: compared.value.every(each => each.isSame),
    lastNumber: source.lastNumber,
    finishedBeforeAtMs: null,
  }
  if (report.isVerified) await target.finish(JSON.stringify(report))
  return report
}

function refuseOther(stored: StoredMove, before: MoveProgress, source: Source, target: Target): void {
  if (stored.source !== source.path) {
    throw new MoveError(
      'other_move',
      `${stored.source} ${stored.finishedAtMs === null ? 'is being' : 'was'} moved into ${target.place}, and not ` +
        `${source.path}. Name that file, or another database.`,
    )
  }
  if (stored.finishedAtMs !== null) return
  const isSame =
    before.lastNumber === source.lastNumber &&
    movedTables.every(t => before.counts[t.name] === source.counts.get(t.name))
  if (isSame) return
  throw new MoveError(
    'source_changed',
    `${source.path} has changed since its move into ${target.place} began: a scheduler has worked on it. What was moved ` +
      'no longer fits. Drop the schema tasklane in that database, and begin anew.',
  )
}

async function compareTables(
  { onProgress, signal }: MoveAsk,
  source: Source,
  target: Target,
  total: number,
): Promise<readonly TableReport[]> {
  const tell = counting({ onProgress }, 'comparing', 2 * total, 0)
  const reports: TableReport[] = []
  for (const table of movedTables) {
    const onRows = (rows: number): void => {
      signal?.throwIfAborted()
      tell(table.name, rows)
    }
    // Both at once: the server works on the next page while this process reads the file.
    const [ours, theirs] = await Promise.all([sumOfSource(source, table, onRows), sumOfTarget(target, table, onRows)])
    reports.push({
      name: table.name,
      rows: ours.rows,
      rowsInTarget: theirs.rows,
      sourceChecksum: ours.checksum,
      targetChecksum: theirs.checksum,
      isSame: ours.rows === theirs.rows && ours.checksum === theirs.checksum,
    })
  }
  return reports
}

function counting(
  { onProgress }: { readonly onProgress?: MoveAsk['onProgress'] | undefined },
  phase: MoveStep['phase'],
  total: number,
  already: number,
): (table: string, rows: number) => void {
  let done = already
  return (table, rows) => {
    done += rows
    onProgress?.({ phase, table, done, total })
  }
}

async function measure<Value>(work: () => Promise<Value>): Promise<{ readonly value: Value; readonly ms: number }> {
  const startedMs = systemClock.monotonic()
  const value = await work()
  return { value, ms: Math.round(systemClock.monotonic() - startedMs) }
}

function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const each of numbers) total += each
  return total
}
