// A PostgreSQL of the bench's own: durable, on loopback, with a folder of its own; a database for each case.
import pg from 'pg'
import { prepareServers } from './peers/at-hand.mjs'
import { closeOnSignals } from './peers/processes.mjs'
import { startPostgres } from './peers/servers.mjs'

/** @returns `{ version, database() → { url, drop() }, close() }`; throws where there is no PostgreSQL */
export async function startBenchServer() {
  const { postgres } = await prepareServers(['postgres'], { mayInstall: true })
  if (postgres.why !== undefined) throw new Error(`The bench needs PostgreSQL: ${postgres.why}.`)
  closeOnSignals()
  const server = await startPostgres(postgres)
  let made = 0
  return {
    version: postgres.version,
    database: async () => {
      made += 1
      const name = `bench_${made}`
      await run(server.url, `CREATE DATABASE ${name} TEMPLATE template0`)
      const url = new URL(server.url)
      url.pathname = `/${name}`
      return { url: url.href, drop: () => run(server.url, `DROP DATABASE ${name} WITH (FORCE)`) }
    },
    close: server.close,
  }
}

async function run(url, statement) {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
