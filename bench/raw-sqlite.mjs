// What SQLite alone does with the three transitions of a task (insert, claim, complete), with the durability of the
// scheduler and the same batch sizes: the limit that the scheduler is measured against. One table, the indexes that the
// transitions need, no history, no dependencies, no leases, no HTTP.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { createUuidV7 } from '@tasklane/protocol'

/**
 * @param tasks how many
 * @param batch rows in one transaction
 * @returns tasks per second through all three transitions, and of each phase
 */
export function rawSqlite({ tasks, batch }) {
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
    const insert = database.prepare(
      "INSERT INTO tasks (id, type, queue, payload, state, rank, created_at) VALUES (?, 'noop', 'default', ?, 'pending', ?, ?)",
    )
    const pick = database.prepare(
      "SELECT number, id, payload FROM tasks WHERE queue = 'default' AND state = 'pending' ORDER BY rank, number LIMIT ?",
    )
    const claim = database.prepare(
      "UPDATE tasks SET state = 'running', epoch = epoch + 1, worker = 'w', lease_until = ?, started_at = ? WHERE number = ? AND state = 'pending'",
    )
    const complete = database.prepare(
      "UPDATE tasks SET state = 'completed', finished_at = ?, result = ? WHERE id = ? AND state = 'running' AND epoch = 1",
    )
    const nextId = createUuidV7(
      () => Date.now(),
      bytes => crypto.getRandomValues(bytes),
    )
    const payload = JSON.stringify({ n: 1 })
    const inTransaction = work => {
      database.exec('BEGIN IMMEDIATE')
      work()
      database.exec('COMMIT')
    }
    const time = phase => {
      const began = performance.now()
      for (let done = 0; done < tasks; done += batch) inTransaction(phase)
      return (performance.now() - began) / 1_000
    }
    const claimed = []
    const insertSeconds = time(() => {
      for (let at = 0; at < batch; at += 1) insert.run(nextId(), payload, Date.now() - 5 * 3_600_000, Date.now())
    })
    const claimSeconds = time(() => {
      for (const row of pick.all(batch)) {
        claim.run(Date.now() + 15_000, Date.now(), row.number)
        claimed.push(row.id)
      }
    })
    const completeSeconds = time(() => {
      for (const id of claimed.splice(0, batch)) complete.run(Date.now(), 'null', id)
    })
    const { n } = database.prepare("SELECT count(*) AS n FROM tasks WHERE state = 'completed'").get()
    if (n !== tasks) throw new Error(`The raw run completed ${n} of ${tasks} tasks.`)
    return {
      lives: tasks / (insertSeconds + claimSeconds + completeSeconds),
      insert: tasks / insertSeconds,
      claim: tasks / claimSeconds,
      complete: tasks / completeSeconds,
    }
  } finally {
    database.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
