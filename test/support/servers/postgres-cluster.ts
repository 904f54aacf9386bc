import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from './free-port.ts'
import { type KeptProcess, keepProcess } from './kept-process.ts'
import type { PostgresPrograms } from './postgres-programs.ts'

export type Settings = Readonly<Record<string, string>>

export interface PostgresOptions {
  /** As in postgresql.conf. What is not said is PostgreSQL's own default: durable. */
  readonly settings?: Settings
  /** Where the data lives, such as a small disk that a test will fill; it stays the caller's, what is put there is removed. */
  readonly dataFolder?: string
  /** Further arguments of initdb, such as another collation. */
  readonly initdb?: readonly string[]
}

/** A server of one test's own, on loopback, with a password and a folder of its own. */
export interface PrivatePostgres {
  /** Of a superuser, for the database `postgres`; stays the same through restarts, as the port does. */
  readonly url: string
  readonly port: number
  readonly majorVersion: number
  /** Of the postmaster, or null. */
  pid(): number | null
  /** Resolves when it answers. @param settings instead of those it had */
  start(settings?: Settings): Promise<void>
  /** `fast` ends transactions under way and writes a checkpoint; `immediate` is a crash, and a recovery at the next start. */
  stop(how?: 'fast' | 'immediate'): Promise<void>
  restart(how?: 'fast' | 'immediate', settings?: Settings): Promise<void>
  /** SIGKILL to the postmaster. Its children notice, and are gone before it can be started again. */
  kill(): Promise<void>
  /** SIGSTOP and SIGCONT, to the postmaster alone: who is connected is served, new connections hang. */
  signal(name: NodeJS.Signals): void
  /** What it wrote, the last of it. */
  log(): string
  close(): Promise<void>
}

const stopSignals = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const
const startMsMax = 60_000
const user = 'tasklane'

/** Makes a cluster and starts it. Whatever happens to this process, server and folder go. */
export async function createPostgres(
  programs: PostgresPrograms,
  options: PostgresOptions = {},
): Promise<PrivatePostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'tasklane-postgres-'))
  const data = join(options.dataFolder ?? folder, 'cluster')
  mkdirSync(data, { mode: 0o700 })
  const owned = [folder, data, ...(options.dataFolder === undefined ? [] : [options.dataFolder])]
  if (programs.owner !== null) for (const each of owned) chownSync(each, programs.owner.uid, programs.owner.gid)
  const place: Place = {
    programs,
    folder,
    data,
    logFile: join(folder, 'server.log'),
    identity: { cwd: folder, env: ownEnv(), ...programs.owner },
    password: randomBytes(12).toString('hex'),
  }
  const kept = keepProcess({
    command: join(programs.folder, 'postgres'),
    options: place.identity,
    logFile: place.logFile,
    stopSignal: stopSignals.fast,
    folders: [data, folder],
  })
  try {
    await initdb(place, options.initdb ?? [])
    return await startFirst(place, kept, options.settings ?? {})
  } catch (error) {
    await kept.close()
    throw error
  }
}

interface Place {
  readonly programs: PostgresPrograms
  readonly folder: string
  readonly data: string
  readonly logFile: string
  readonly identity: {
    readonly cwd: string
    readonly env: Readonly<Record<string, string | undefined>>
    readonly uid?: number
    readonly gid?: number
  }
  readonly password: string
}

/** The environment without what a shell may have set for the programs of PostgreSQL. */
function ownEnv(): Record<string, string | undefined> {
  const env: Record<string, string | undefined> = { ...process.env, LC_ALL: 'C', LC_MESSAGES: 'C' }
  for (const name of Object.keys(env)) if (name.startsWith('PG')) delete env[name]
  return env
}

/** Not synced to disk: only the machine's own crash could tell, and it would take the whole folder. */
async function initdb({ programs, folder, data, identity, password }: Place, more: readonly string[]): Promise<void> {
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (programs.owner !== null) chownSync(passwordFile, programs.owner.uid, programs.owner.gid)
  const access = ['--username', user, '--auth', 'scram-sha-256', '--pwfile', passwordFile]
  const locale = more.length === 0 ? ['--no-locale'] : more
  const child = spawn(
    join(programs.folder, 'initdb'),
    ['--pgdata', data, '--encoding', 'UTF8', '--no-sync', ...access, ...locale],
    { ...identity, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  rmSync(passwordFile)
  if (code !== 0) throw new Error(`initdb ended with ${code}: ${said.trim()}`)
}

/** Another port where somebody took the free one first. */
async function startFirst(place: Place, kept: KeptProcess, settings: Settings): Promise<PrivatePostgres> {
  for (let tries = 1; ; tries += 1) {
    const server = serverAt(place, kept, await freePort(), settings)
    try {
      await server.start()
      return server
    } catch (error) {
      if (tries === 5 || !readLog(place.logFile).includes('Address already in use')) throw error
    }
  }
}

function serverAt(place: Place, kept: KeptProcess, port: number, settingsFirst: Settings): PrivatePostgres {
  const url = `postgres://${user}:${place.password}@127.0.0.1:${port}/postgres`
  let settings = settingsFirst
  let wasKilled = false

  async function start(next: Settings = settings): Promise<void> {
    settings = next
    const endsAt = performance.now() + startMsMax
    for (;;) {
      const logged = sizeOf(place.logFile)
      await kept.start(argumentsOf(place, port, settings))
      if (await isAnswering(url, kept, endsAt)) break
      const why = readLog(place.logFile, logged)
      // The children of a killed postmaster hold its shared memory until they have noticed.
      const isTooEarly = /pre-existing shared memory block|lock file "postmaster\.pid" already exists/.test(why)
      if (!isTooEarly || performance.now() > endsAt) throw new Error(`PostgreSQL does not start: ${why.trim()}`)
      await sleep(50)
    }
    wasKilled = false
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    // A stopped process hears nothing but SIGKILL.
    if (signal !== 'SIGKILL') kept.signal('SIGCONT')
    kept.signal(signal)
    await kept.ended()
  }

  return Object.freeze<PrivatePostgres>({
    url,
    port,
    majorVersion: place.programs.majorVersion,
    pid: kept.pid,
    start,
    stop: (how = 'fast') => end(stopSignals[how]),
    restart: async (how = 'fast', next = settings) => {
      await end(stopSignals[how])
      await start(next)
    },
    kill: async () => {
      wasKilled = kept.pid() !== null
      await end('SIGKILL')
    },
    signal: kept.signal,
    log: () => readLog(place.logFile),
    close: async () => {
      if (wasKilled) removeSharedMemory(place.data)
      kept.signal('SIGCONT')
      await kept.close()
    },
  })
}

function argumentsOf({ data }: Place, port: number, settings: Settings): readonly string[] {
  const all: Settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    // No socket in a file: its path may be longer than one may be, and loopback is enough.
    unix_socket_directories: '',
    // In its folder, and gone with it, whatever ends the server.
    dynamic_shared_memory_type: 'mmap',
    ...settings,
  }
  return ['-D', data, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}

/** False when it ended instead. */
async function isAnswering(url: string, kept: KeptProcess, endsAt: number): Promise<boolean> {
  let lastError: unknown = null
  while (performance.now() < endsAt) {
    if (kept.pid() === null) return false
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.end()
      return true
    } catch (error) {
      lastError = error
      await sleep(20)
    }
  }
  throw new Error('PostgreSQL was started and does not answer within a minute.', { cause: lastError })
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

/** The last of it, from a byte on. */
function readLog(file: string, from = 0): string {
  if (sizeOf(file) === 0) return ''
  return readFileSync(file).subarray(from).toString('utf8').slice(-20_000)
}

/** A postmaster that is killed leaves a few bytes of System V memory; the last lock file names them. */
function removeSharedMemory(data: string): void {
  const id = /^\s*\d+\s+(\d+)\s*$/m.exec(readLog(join(data, 'postmaster.pid')).split('\n').slice(6).join('\n'))?.[1]
  if (id !== undefined) spawnSync('ipcrm', ['-m', id])
}
