import { createHash, randomBytes } from 'node:crypto'
import pg from 'pg'
import { majorVersionMin } from './postgres-programs.ts'

export interface FreshDatabase {
  readonly url: string
  /** Also while somebody is connected. */
  drop(): Promise<void>
}

/** What a fresh database holds: made once on each server, then cloned, which takes a few hundredths of a second. */
export interface Template {
  /** Names what `fill` makes; another content needs another key. */
  readonly key: string
  /** Makes tables and rows; closes its connections before it resolves. */
  fill(url: string): Promise<void>
}

/** Databases of one test run: named by it, so that they can be told from everybody else's on a server of the user's. */
export interface Databases {
  /** @throws where nobody answers, or not as a server of tests must */
  check(): Promise<void>
  fresh(template?: Template): Promise<FreshDatabase>
  /** Drops what this run made, and what a run left that was killed a day ago or earlier. */
  dropAll(): Promise<void>
}

const prefix = 'tasklane_test_'
const dayMs = 86_400_000

/** @returns a name for a run, that tells its age and sorts by it */
export function nameRun(nowMs = Date.now()): string {
  return `${nowMs.toString(36).padStart(9, '0')}${randomBytes(3).toString('hex')}`
}

/** @param serverUrl of a user that may create databases */
export function createDatabases(serverUrl: string, run: string): Databases {
  const nameOf = (rest: string): string => `${prefix}${run}_${rest}`
  const urlOf = (name: string): string => {
    const url = new URL(serverUrl)
    url.pathname = `/${name}`
    return url.href
  }

  async function fresh(template?: Template): Promise<FreshDatabase> {
    const source = template === undefined ? 'template0' : await templateOf(template)
    const name = nameOf(randomBytes(5).toString('hex'))
    await asking(serverUrl, client => create(client, name, source))
    return Object.freeze<FreshDatabase>({
      url: urlOf(name),
      drop: () => asking(serverUrl, client => drop(client, name)),
    })
  }

  /** Whoever comes first makes it, the others wait; it appears under its name only when it is complete. */
  function templateOf({ key, fill }: Template): Promise<string> {
    const name = nameOf(`template_${createHash('sha256').update(key).digest('hex').slice(0, 12)}`)
    return asking(serverUrl, async client => {
      await client.query('SELECT pg_advisory_lock(hashtext($1))', [name])
      const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name])
      if (rowCount !== 0) return name
      const draft = `${name}_draft`
      await drop(client, draft)
      await create(client, draft, 'template0')
      await fill(urlOf(draft))
      await client.query(`ALTER DATABASE ${draft} RENAME TO ${name}`)
      return name
    })
  }

  function check(): Promise<void> {
    return asking(serverUrl, async client => {
      const { rows } = await client.query<{ version: number; may_create: boolean }>(
        `SELECT current_setting('server_version_num')::int AS version, rolcreatedb OR rolsuper AS may_create
         FROM pg_roles WHERE rolname = current_user`,
      )
      const { version, may_create: mayCreate } = rows[0] ?? { version: 0, may_create: false }
      if (version < majorVersionMin * 10_000) throw new Error(`PostgreSQL ${majorVersionMin} or later is needed.`)
      if (!mayCreate) throw new Error('its user may not create databases (ALTER ROLE … CREATEDB).')
    })
  }

  function dropAll(): Promise<void> {
    return asking(serverUrl, async client => {
      const { rows } = await client.query<{ datname: string }>(
        'SELECT datname FROM pg_database WHERE starts_with(datname, $1)',
        [prefix],
      )
      const yesterday = `${prefix}${nameRun(Date.now() - dayMs).slice(0, 9)}`
      for (const { datname } of rows) {
        if (datname.startsWith(nameOf('')) || datname < yesterday) await drop(client, datname)
      }
    })
  }

  return Object.freeze<Databases>({ check, fresh, dropAll })
}

async function asking<T>(url: string, ask: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return await ask(client)
  } finally {
    await client.end()
  }
}

/** `template0`, since a user may have put something of their own into the other one. */
async function create(client: pg.Client, name: string, source: string): Promise<void> {
  await client.query(`CREATE DATABASE ${name} TEMPLATE ${source} ENCODING 'UTF8'`)
}

async function drop(client: pg.Client, name: string): Promise<void> {
  await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
}
