// What SQLite alone does with the three transitions of a task (insert, claim, complete), with the durability of the
// scheduler, the same batch sizes and the same kind of statements: the limit that the scheduler is measured against. One
// table, the indexes that the transitions need, no history, no dependencies, no leases, no HTTP.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { createUuidV7 } from '@tasklane/protocol'

const insertRows = 25

/**
 * @param tasks how many
 * @param batch rows in one transaction
 * @param many true: one statement for many rows, as the scheduler's store has it; false: one for each
 * @returns tasks per second through all three transitions, and of each phase
 */
export function rawSqlite({ tasks, batch, many }) {
  const folder = mkdtempSync(join(tmpdir(), 'tasklane-bench-'))
  const database = new DatabaseSync(join(folder, 'raw.db'))
  try {
    database.exec(`
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = 10000;
      PRAGMA cache_size = -65536;
      CREATE TABLE tasks (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, queue TEXT NOT NULL, payload TEXT,
        state TEXT NOT NULL, rank REAL NOT NULL, epoch INTEGER NOT NULL DEFAULT 0, worker TEXT, lease_until INTEGER,
        created_at INTEGER NOT NULL, started_at INTEGER, finished_at INTEGER, result TEXT);
      CREATE INDEX pending ON tasks (queue, rank, number) WHERE state = 'pending';
      CREATE INDEX running ON tasks (lease_until) WHERE state = 'running';`)
    const { insert, claim, complete } = many ? forMany(database) : forEach(database)
    const inTransaction = work => {
      database.exec('BEGIN IMMEDIATE')
      work()
      database.exec('COMMIT')
    }
    const time = phase => {
      const began = performance.now()
      for (let done = 0; done < tasks; done += batch) inTransaction(() => phase(batch))
      return (performance.now() - began) / 1_000
    }
    const claimed = []
    const insertSeconds = time(insert)
    const claimSeconds = time(count => claimed.push(...claim(count)))
    const completeSeconds = time(count => complete(claimed.splice(0, count)))
    const { n } = database.prepare("SELECT count(*) AS n FROM tasks WHERE state = 'completed'").get()
    if (n !== tasks) throw new Error(`The raw run completed ${n} of ${tasks} tasks.`)
    return {
      lives: tasks / (insertSeconds + claimSeconds + completeSeconds),
      insert: tasks / insertSeconds,
    }
  } finally {
    database.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const nextId = createUuidV7(
  () => Date.now(),
  bytes => crypto.getRandomValues(bytes),
)
const payload = JSON.stringify({ n: 1 })
const columns = '(id, type, queue, payload, state, rank, created_at)'
const row = "(?, 'noop', 'default', ?, 'pending', ?, ?)"
const picked = `SELECT number, id, payload FROM tasks WHERE queue = 'default' AND state = 'pending'
  ORDER BY rank, number LIMIT ? + 0`
const claimed = "UPDATE tasks SET state = 'running', epoch = epoch + 1, worker = 'w', lease_until = ?, started_at = ?"
const valuesOf = () => [nextId(), payload, Date.now() - 5 * 3_600_000, Date.now()]

function forEach(database) {
  const insert = database.prepare(`INSERT INTO tasks ${columns} VALUES ${row}`)
  const pick = database.prepare(picked)
  const claim = database.prepare(`${claimed} WHERE number = ? AND state = 'pending'`)
  const complete = database.prepare(
    "UPDATE tasks SET state = 'completed', finished_at = ?, result = ? WHERE id = ? AND state = 'running' AND epoch = 1",
  )
  return {
    insert: count => {
      for (let at = 0; at < count; at += 1) insert.run(...valuesOf())
    },
    claim: count => {
      const rows = pick.all(count)
      for (const { number } of rows) claim.run(Date.now() + 15_000, Date.now(), number)
      return rows
    },
    complete: rows => {
      for (const { id } of rows) complete.run(Date.now(), 'null', id)
    },
  }
}

function forMany(database) {
  const insert = database.prepare(`INSERT INTO tasks ${columns} VALUES ${Array(insertRows).fill(row).join(', ')}`)
  const pick = database.prepare(picked)
  const claim = database.prepare(`${claimed} WHERE number IN (SELECT value FROM json_each(?)) AND state = 'pending'`)
  const complete =
    database.prepare(`UPDATE tasks SET state = 'completed', finished_at = ?, result = json_each.value ->> 2
    FROM json_each(?) WHERE number = json_each.value ->> 0 AND state = 'running' AND epoch = json_each.value ->> 1`)
  return {
    insert: count => {
      for (let at = 0; at < count; at += insertRows) {
        insert.run(...Array.from({ length: insertRows }, valuesOf).flat())
      }
    },
    claim: count => {
      const rows = pick.all(count)
      claim.run(Date.now() + 15_000, Date.now(), JSON.stringify(rows.map(({ number }) => number)))
      return rows
    },
    complete: rows => {
      complete.run(Date.now(), JSON.stringify(rows.map(({ number }) => [number, 1, 'null'])))
    },
  }
}
