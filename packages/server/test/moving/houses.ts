import { join } from 'node:path'
import fc from 'fast-check'
import pg from 'pg'
import { onTestFinished } from 'vitest'
import { freshDatabase } from '../../../../test/support/servers/postgres.ts'
import { headStartMsDefault } from '../../src/core/rank.ts'
import type { JsonText, TaskId } from '../../src/core/task.ts'
import type { Store } from '../../src/ports/store.ts'
import { createPostgresStore } from '../../src/stores/postgres/postgres-store.ts'
import { createSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { type Command, command } from '../oracle/commands.ts'
import { lookAt } from '../oracle/look.ts'
import { createRun, learn, type Run, toCall } from '../oracle/perform.ts'
import { channelSettings, move, moved, opening, resolving, ruleDraft } from '../support/alert-moves.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts'

export const headStartMs = headStartMsDefault

/** A file as real stores leave it, and how life in it would go on. */
export interface LivedIn {
  readonly file: string
  readonly clock: VirtualClock
  readonly run: Run
  /** What every read told when the store was closed. */
  readonly seen: unknown
}

export function newFile(): string {
  const folder = temporaryFolder()
  onTestFinished(folder.remove)
  return join(folder.path, 'tasks.db')
}

/** The address of a database without anything in it. */
export async function newDatabase(): Promise<string> {
  const database = await freshDatabase()
  onTestFinished(database.drop)
  return database.url
}

export function openSqlite(file: string, clock: VirtualClock): Promise<Store> {
  return createSqliteStore({ file, clock, headStartMs })
}

export async function openPostgres(url: string, clock: VirtualClock): Promise<Store> {
  const store = createPostgresStore({ url, clock, headStartMs, connections: 3, fixedNow: clock.now })
  onTestFinished(() => store.close())
  await store.migrate()
  return store
}

/** Random lives, one after another in the same file. @param seed the same one makes the same file */
export async function liveIn(file: string, seed: number, commands = 400): Promise<LivedIn> {
  const clock = createVirtualClock()
  const run = createRun(clock.now)
  const store = await openSqlite(file, clock)
  try {
    for (const each of someCommands(seed, commands)) {
      if (each.kind === 'advance') clock.pause(each.ms)
      else learn(run, await toCall(each, run)?.(store))
    }
    await addAccounts(store)
    await addAlerts(store)
    return { file, clock, run, seen: await lookAround(store, idsOf(run)) }
  } finally {
    await store.close()
  }
}

async function addAccounts(store: Store): Promise<void> {
  await store.createUser({ name: 'root', passwordHash: 'h1', role: 'admin' })
  await store.createUser({ name: 'änna', passwordHash: 'h2', role: 'viewer' })
  await store.changeUser('änna', { isDisabled: true })
  const token = { role: 'worker', queues: ['a', 'b'], types: null, createdBy: 'root', lastsMs: 5_000 } as const
  await store.createToken({ ...token, id: 'i1', name: 'ci', hash: 'h1' })
  await store.revokeToken('ci')
  await store.createToken({ ...token, id: 'i2', name: 'ci', hash: 'h2', lastsMs: null })
  await store.touchTokens(['i2'])
  const entry = { subject: 'x', address: null, outcome: 'ok', requestId: 'r' }
  const cell = { stepMs: 60_000, queue: '', node: 'n1', cell: '{"n":[1]}' as JsonText } // An object's text.
  await store.putHistory([1, 2].map(at => ({ ...cell, atMs: at * 60_000 })))
  await store.appendAudit([
    { ...entry, actor: null, action: 'a' },
    { ...entry, actor: 'root', action: 'b', reason: 'Because.' },
  ])
}

async function addAlerts(store: Store): Promise<void> {
  await store.putAlertRule(ruleDraft('queue-depth', { threshold: 2.5 }), null, 5)
  const settings = channelSettings({ secret: 'a secret of the two' })
  await store.putAlertChannel({ id: 'c1', settings }, null, 5)
  const fired = await moved(store, opening('mäil', { state: 'firing', tell: ['c1'] }))
  await move(store, resolving(await moved(store, opening('b', { state: 'firing' }))), opening('c'))
  await store.silenceAlert(fired.number, { ends: { afterMs: 86_400_000 }, reason: 'Known.', by: null })
  const [notice] = await store.takeNotices({ limit: 1, leaseMs: 5_000, triesInOrder: 1 })
  if (notice !== undefined) await store.settleNotice(notice, { kind: 'failed', detail: 'No.', retryInMs: 1_000 })
}

/** Every read of a store, accounts and alerts included. */
export async function lookAround(store: Store, ids: readonly TaskId[]): Promise<unknown> {
  return {
    tasks: await lookAt(store, ids),
    users: await store.users(),
    tokens: await store.tokens(),
    audit: await store.audit({ actor: null, action: null, subject: null }, { limit: 10, before: null }),
    rules: await store.alertRules(),
    channels: await store.alertChannels(),
    alerts: await store.alerts({ states: null, severities: null, ruleId: null }, { limit: 10, before: null }),
    silences: await store.silences(),
  }
}

export function someCommands(seed: number, count: number): readonly Command[] {
  return fc.sample(command, { seed, numRuns: count })
}

export function idsOf(run: Run): readonly TaskId[] {
  return [...new Set(run.drafts.map(each => each.id))]
}

/** Every row of the schema, by table, without what tells of the move itself. */
export async function everyRow(url: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    const { rows } = await client.query<{ tablename: string }>(
      `SELECT tablename FROM pg_tables WHERE schemaname = 'tasklane' AND tablename NOT IN ('migrations', 'house_move', 'meta')
       ORDER BY tablename`,
    )
    const all: Record<string, readonly string[]> = {}
    for (const { tablename } of rows) {
      const table = await client.query<{ row: string }>(
        `SELECT t::text AS row FROM tasklane.${tablename} AS t ORDER BY 1`,
      )
      all[tablename] = table.rows.map(({ row }) => row)
    }
    return all
  } finally {
    await client.end()
  }
}

export async function askServer(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}
