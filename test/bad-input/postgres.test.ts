import { beforeAll, describe, expect, it } from 'vitest'
import { freshDatabase, postgresServer } from '../support/servers/postgres.ts'
import { findInconsistency } from './fuzz/consistency.ts'
import { fuzz, tell } from './fuzz/fuzz.ts'
import { readDocument } from './support/document.ts'
import { type LiveNode, startNode } from './support/node.ts'

/** What SQLite takes or finds nothing by, PostgreSQL may refuse with an error: U+0000 in a text, a number past its type. */
describe.skipIf((await postgresServer()) === null)('a node on PostgreSQL', () => {
  let node: LiveNode
  beforeAll(async () => {
    const database = await freshDatabase()
    node = await startNode({ databaseUrl: database.url })
    return async () => {
      await node.close()
      await database.drop()
    }
  })

  it('answers for a name that no store can keep, whatever is to be done with it', async () => {
    const named = (await readDocument(node)).routes.filter(({ path }) => path.includes('{'))
    expect(named.length).toBeGreaterThan(30)
    for (const { method, path } of named) {
      const reply = await node.send({ method, path: path.replaceAll(/\{[^}]+\}/g, '%00'), body: '{}' })
      expect(reply.status, `${method} ${path}: ${reply.text}`).toBeLessThan(500)
    }
  })

  it('answers whatever is made by chance from the document as the document says', async () => {
    // A new seed in every run; a failure prints it.
    const seed = Math.floor(Math.random() * 2 ** 32)
    const document = await readDocument(node)
    const url = `http://127.0.0.1:${node.port}`
    const now = (): number => performance.now()
    const report = await fuzz({ url, client: node, document, seed, requestsMax: 500, seconds: 5, now })
    expect(report.findings, tell(report)).toEqual([])
    expect(await findInconsistency(node), tell(report)).toBe(null)
  })
})
