// What PostgreSQL alone does with the three transitions of a task (insert, claim, complete), by the very statements of the
// scheduler's store on its schema, at the same batch sizes and number of connections: the limit that the scheduler is
// measured against. No dependencies, no workers, no counters, no HTTP.
import { createUuidV7 } from '@tasklane/protocol'
import { openDatabase } from '../packages/server/dist/stores/postgres/database.js'
import { migrate } from '../packages/server/dist/stores/postgres/migrate.js'
import { statements as sql } from '../packages/server/dist/stores/postgres/statements.js'

const nextId = createUuidV7(
  () => Date.now(),
  bytes => crypto.getRandomValues(bytes),
)
const payload = JSON.stringify({ n: 1 })
const leaseMs = 60_000
/** Then whoever got fewer goes on with those: two that hold what the other wants would look for ever. */
const roundsMax = 3

/**
 * @param url of an empty database
 * @param tasks how many @param batch rows in one transaction @param connections that share the work
 * @returns tasks per second through all three transitions, one phase after another, and of the inserts
 */
export async function rawPostgres({ url, tasks, batch, connections }) {
  const database = openDatabase({ url, connections, timeoutMs: 60_000 })
  try {
    const first = await database.connect()
    await migrate(first)
    await first.exec("INSERT INTO tasklane.lanes VALUES (1, 'default', 'noop')")
    first.release(false)
    const claimed = []
    const phase = async step => {
      let left = tasks
      const began = performance.now()
      await Promise.all(
        Array.from({ length: connections }, async () => {
          const connection = await database.connect()
          try {
            while (left > 0) {
              const count = await inTransaction(database, connection, step)
              left -= count
            }
          } finally {
            connection.release(true)
          }
        }),
      )
      return (performance.now() - began) / 1_000
    }
    const insertSeconds = await phase(connection => insert(connection, batch))
    const claimSeconds = await phase(async connection => {
      const taken = await claim(connection, batch)
      claimed.push(taken)
      return taken.length
    })
    const completeSeconds = await phase(connection => complete(connection, claimed.pop() ?? []))
    return { lives: tasks / (insertSeconds + claimSeconds + completeSeconds), insert: tasks / insertSeconds }
  } finally {
    await database.close()
  }
}

async function inTransaction(database, connection, step) {
  const begun = connection.exec(database.begin)
  const count = await step(connection)
  await Promise.all([begun, connection.exec('COMMIT')])
  return count
}

async function insert(connection, count) {
  const of = value => Array.from({ length: count }, () => value)
  const ids = Array.from({ length: count }, nextId)
  const rows = await connection.rows(
    sql.insertPlainTasks,
    ...[null, 3_600_000, ids, of(1), of(5), of('default'), of(300_000), of(5), of(null), of('cancel'), of(null)],
    ...[of(payload), of(null), of(null), of(null)],
  )
  if (rows.length !== count) throw new Error(`Inserted ${rows.length} of ${count}.`)
  return count
}

/** Other connections may be at the first ones: then the next ones are looked at, as the store does. */
async function claim(connection, count) {
  const nowMs = Date.now()
  const taken = []
  for (let round = 1; taken.length < count && round <= roundsMax; round += 1) {
    const candidates = await connection.rows(sql.candidates, [1], count * round, [-Number.MAX_VALUE])
    const numbers = candidates.slice(-count + taken.length).map(row => row[1])
    const of = value => numbers.map(() => value)
    const rows = await connection.rows(
      sql.claimTasks,
      nowMs,
      10_000,
      numbers,
      of('raw'),
      of(nowMs + leaseMs),
      of('pending'),
      numbers.length,
    )
    taken.push(...rows.map(row => ({ id: row[1], epoch: row[5] })))
    if (candidates.length < count) break
  }
  return taken
}

async function complete(connection, taken) {
  const rows = await connection.rows(
    sql.completeTasks,
    Date.now(),
    taken.map(task => task.id),
    taken.map(task => task.epoch),
    taken.map(() => 'raw'),
    taken.map(() => payload),
  )
  if (rows.length !== taken.length) throw new Error(`Completed ${rows.length} of ${taken.length}.`)
  return taken.length
}
