import { ask, type Offers } from './desk.ts'
import { type Sought, seek, skip } from './find-or-install.ts'
import { createPostgres, type PostgresOptions, type PrivatePostgres } from './postgres-cluster.ts'
import { createDatabases, type Databases, type FreshDatabase, nameRun, type Template } from './postgres-databases.ts'
import { type PostgresPrograms, postgresNeed } from './postgres-programs.ts'

export type { PrivatePostgres, Settings } from './postgres-cluster.ts'
export type { FreshDatabase, Template } from './postgres-databases.ts'

/**
 * PostgreSQL for tests. One server for a whole run of tests, started when the first test asks; a database for each who
 * asks; and servers of one's own for tests that do a server harm.
 *
 *   const server = await postgresServer()
 *   describe.skipIf(server === null)('…', () => {
 *     const database = await server.freshDatabase()    // in a hook; afterwards: database.drop()
 *
 * Where there is none, the tests are skipped with a sentence that says what to do; REQUIRE_ALL=1 turns that into a
 * failure.
 */
export interface PostgresServer {
  /** Of a user that may create databases. */
  readonly url: string
  freshDatabase(template?: Template): Promise<FreshDatabase>
}

/** The shared one: `TEST_DATABASE_URL` where it is set, else a private one, whose programs are found or installed. */
export async function postgresServer(): Promise<PostgresServer | null> {
  const sought = await obtain<SharedServer>('postgres')
  if ('why' in sought) return skip(sought.why)
  const { url, run } = sought.found
  return Object.freeze<PostgresServer>({ url, freshDatabase: createDatabases(url, run).fresh })
}

/** A database on the shared server. @throws where there is no server: ask `postgresServer` first, and skip */
export async function freshDatabase(template?: Template): Promise<FreshDatabase> {
  const server = await postgresServer()
  if (server === null) throw new Error('There is no PostgreSQL; a test that needs one is to be skipped.')
  return server.freshDatabase(template)
}

/**
 * A server of one's own, durable unless its settings say otherwise; it can be stopped, killed, started again, and
 * filled. Call `close` at the end; should this process be killed, the server goes all the same.
 * @returns null as `postgresServer` does; a server at TEST_DATABASE_URL is of no use here
 */
export async function privatePostgres(options: PostgresOptions = {}): Promise<PrivatePostgres | null> {
  const programs = await obtain<PostgresPrograms>('postgres_programs')
  return 'why' in programs ? skip(programs.why) : createPostgres(programs.found, options)
}

/** Whether `privatePostgres` will give one; for `describe.skipIf`. */
export async function hasPrivatePostgres(): Promise<boolean> {
  const programs = await obtain<PostgresPrograms>('postgres_programs')
  return 'why' in programs ? skip(programs.why) !== null : true
}

interface SharedServer {
  readonly url: string
  /** What the names of this run's databases begin with. */
  readonly run: string
}

/**
 * Nothing of a test database needs to survive a crash, and without the waits for the disk it is several times faster.
 * Each test file has a pool or several.
 */
const sharedSettings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '300',
}

export const postgresOffers: Offers = Object.freeze({
  postgres: async () => {
    const given = process.env.TEST_DATABASE_URL ?? ''
    if (given !== '') return offerDatabasesAt(given)
    const programs = await seek(postgresNeed)
    if ('why' in programs) return { answer: programs }
    const server = await createPostgres(programs.found, { settings: sharedSettings })
    return { answer: { found: { url: server.url, run: nameRun() } }, close: server.close }
  },
  postgres_programs: async () => ({ answer: await seek(postgresNeed) }),
})

/** What somebody named and cannot be used is a fault to be told, no reason to skip. */
async function offerDatabasesAt(url: string) {
  const run = nameRun()
  const databases: Databases = createDatabases(url, run)
  await databases.check().catch((error: unknown) => {
    throw new Error(`TEST_DATABASE_URL cannot be used: ${error instanceof Error ? error.message : String(error)}`)
  })
  return { answer: { found: { url, run } }, close: databases.dropAll }
}

async function obtain<Found>(name: string): Promise<Sought<Found>> {
  // What the offer of that name answers, above.
  return (await ask(postgresOffers, name)) as Sought<Found>
}
