import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../../../test/support/servers/postgres.ts'
import { type Connection, type Database, openDatabase } from '../../src/stores/postgres/database.ts'
import { statements } from '../../src/stores/postgres/statements.ts'
import { hasPostgres, schemaTemplate } from '../support/postgres-stores.ts'

describe.skipIf(!(await hasPostgres()))('a session whose tables grow', () => {
  let fresh: FreshDatabase
  let database: Database
  let connection: Connection
  beforeAll(async () => {
    fresh = await freshDatabase(schemaTemplate)
    database = openDatabase({ url: fresh.url, connections: 1, timeoutMs: 20_000 })
    connection = await database.connect()
  })
  afterAll(async () => {
    connection.release(false)
    await database.close()
    await fresh.drop()
  })

  function insertEdges(from: number, to: number): Promise<void> {
    return connection.exec(`INSERT INTO tasklane.edges (child, parent, position, resolved, is_repeat, policy, parent_id)
      SELECT n, n - 1, 0, false, false, 'cancel', 't' || n - 1 FROM generate_series(${from}, ${to}) AS n`)
  }

  /** What the session does for the statement that it has prepared: whether it looks each of the list up by its key. */
  async function looksUpByKey(): Promise<boolean> {
    const text = `EXPLAIN EXECUTE "${statements.resolveEdges.name}" (NULL, NULL)`
    const rows = await connection.rows({ name: '', text })
    return rows.some(([step]) => /Index Cond: .*child = r.child/.test(String(step)))
  }

  it('keeps its plans while there is little more, and makes them anew when there is much more', async () => {
    await insertEdges(1, 2)
    await connection.exec('VACUUM ANALYZE tasklane.edges')
    connection.noteSize(2)
    await connection.run(statements.resolveEdges, [1], [0])
    expect(await looksUpByKey()).toBe(false)

    await insertEdges(3, 20_000)
    connection.noteSize(4)
    expect(await looksUpByKey()).toBe(false)
    connection.noteSize(200)
    expect(await looksUpByKey()).toBe(true)
    expect(await connection.run(statements.resolveEdges, [7, 9], [0, 0])).toBe(2)
  })
})
