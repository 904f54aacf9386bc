import { chownSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { until } from '../../../../test/support/processes.ts'
import { findOrInstall, isProgram, programOnPath } from '../../../../test/support/servers/find-or-install.ts'
import { freePort } from '../../../../test/support/servers/free-port.ts'
import { keepProcess } from '../../../../test/support/servers/kept-process.ts'
import { findPostgres } from '../../../../test/support/servers/postgres-programs.ts'

export interface Pooler {
  /** The same database, through a pooler in transaction mode. */
  readonly url: string
  close(): Promise<void>
}

/** Where Debian puts it, which is not in everybody's path. */
const debians = '/usr/sbin/pgbouncer'

/** Its program; null where it is missing and may not be installed, which was said. */
export function findPgbouncer(): Promise<string | null> {
  return findOrInstall({
    name: 'PgBouncer',
    packages: ['pgbouncer'],
    find: () => programOnPath('pgbouncer') ?? (isProgram(debians) ? debians : null),
  })
}

/** A pooler of one's own, on loopback, with few connections to the server, so that clients really share them. */
export async function startPgbouncer(program: string, databaseUrl: string): Promise<Pooler> {
  const folder = mkdtempSync(join(tmpdir(), 'tasklane-pgbouncer-'))
  const port = await freePort()
  const { hostname, port: serverPort, pathname, username, password } = new URL(databaseUrl)
  const target = `host=${hostname} port=${serverPort || '5432'} user=${username} password=${password}`
  const file = join(folder, 'pgbouncer.ini')
  writeFileSync(
    file,
    `[databases]
${pathname.slice(1)} = ${target}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
`,
  )
  // It refuses root, as PostgreSQL does.
  const owner = findPostgres()?.owner ?? null
  if (owner !== null) for (const each of [folder, file]) chownSync(each, owner.uid, owner.gid)
  const kept = keepProcess({
    command: program,
    options: { cwd: folder, env: process.env, ...owner },
    logFile: join(folder, 'pgbouncer.log'),
    stopSignal: 'SIGINT',
    folders: [folder],
  })
  const url = `postgresql://anybody@127.0.0.1:${port}${pathname}`
  try {
    await kept.start([file])
    await until(
      () => answers(url),
      told => told === 'answers',
      () => 'PgBouncer to answer',
    )
  } catch (error) {
    await kept.close()
    throw error
  }
  return Object.freeze<Pooler>({ url: `${url}?pgbouncer=true`, close: kept.close })
}

async function answers(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('SELECT 1')
    return 'answers'
  } catch (error) {
    return String(error)
  } finally {
    await client.end().catch(() => {})
  }
}
