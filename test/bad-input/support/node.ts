import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { compose } from '../../../packages/server/src/compose.ts'
import { readConfig } from '../../../packages/server/src/config.ts'
import { buildApp } from '../../../packages/server/src/http/app.ts'
import { systemClock } from '../../../packages/server/src/system-clock.ts'
import { version } from '../../../packages/server/src/version.ts'
import { createClient, type Reply, type Sent } from './client.ts'

/** A whole node in this process: SQLite in a folder of its own or the PostgreSQL that is named, real sockets, its log as the lines that were written. */
export interface LiveNode {
  readonly port: number
  readonly log: readonly string[]
  send(request: Sent): Promise<Reply>
  get(path: string): Promise<Reply>
  post(path: string, body: unknown): Promise<Reply>
  /** How long the node waits for headers, and for a whole request; 0 would be for ever. */
  readonly patienceMs: { readonly headers: number; readonly request: number }
  /** What a node does by itself every few seconds: alerts are looked for. */
  look(): Promise<unknown>
  /** Sockets that the node has open now. */
  connections(): Promise<number>
  close(): Promise<void>
}

export interface NodeOptions {
  /** A client has this long to send its request. */
  readonly requestTimeoutMs?: number
  readonly connectionsMax?: number
  /** Of an empty PostgreSQL database. */
  readonly databaseUrl?: string
}

/** Argon2id takes its time by design, and the suite logs in a thousand times. */
const cheapHasher = {
  hash: async (password: string) => `$argon2id$v=19$m=19456,t=2,p=1$${password}`,
  verify: async (hashed: string, password: string) => hashed === `$argon2id$v=19$m=19456,t=2,p=1$${password}`,
}

export async function startNode({ databaseUrl, ...options }: NodeOptions = {}): Promise<LiveNode> {
  const folder = mkdtempSync(join(tmpdir(), 'tasklane-bad-input-'))
  // Leases outlive any test, so that nothing changes but what a request changes.
  const data = databaseUrl === undefined ? { data: join(folder, 'tasklane.db') } : {}
  const flags = { ...data, port: 0, heartbeatInterval: 300 }
  // Nobody listens there, which is soon known.
  const where = databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }
  const config = readConfig({ env: { ...where, TASKLANE_WEBHOOK_ALLOW: '127.0.0.1' }, flags })
  const lines: string[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
  const { engine, store, broker } = await compose(config, log)
  await engine.start()
  // As the first start makes it.
  const passwordHash = await cheapHasher.hash('a password that was printed')
  await store.createUser({ name: 'admin', passwordHash, role: 'admin' }, { onlyAsFirst: true })
  const app = await buildApp({
    engine,
    clock: systemClock,
    log,
    version,
    access: { mode: 'open', accounts: store, secretKeys: [], hasher: cheapHasher },
    settings: { metricsEnabled: true, taskTimeoutMs: config.taskTimeoutMs, ...options },
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new Error('the node has no port')
  const client = createClient(address.port)
  return {
    port: address.port,
    log: lines,
    send: client.send,
    get: path => client.send({ method: 'GET', path }),
    post: (path, body) => client.send({ method: 'POST', path, body: JSON.stringify(body) }),
    look: () => engine.alerts.look(),
    patienceMs: { headers: app.server.headersTimeout, request: app.server.requestTimeout },
    connections: () =>
      new Promise((resolve, reject) => {
        app.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))
      }),
    close: async () => {
      client.close()
      app.beginStop()
      engine.beginStop()
      app.server.closeAllConnections()
      await app.close()
      await engine.stop()
      await broker.close()
      await store.close()
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}
