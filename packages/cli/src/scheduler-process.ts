import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { MigrationName, MoveAsk, MoveReport, MoveStep, SchemaStatus } from '@tasklane/server'
import type { ExitCode } from './exit-codes.ts'
import { exitCodes } from './exit-codes.ts'
import { CommandFailure, UsageError } from './faults.ts'

/** The one file that knows the scheduler's package, which is loaded when a scheduler or its store is wanted, not before. */
export interface SchedulerFlags {
  readonly host?: string
  readonly port?: string
  readonly data?: string
  /** False: the schema is not touched at start. */
  readonly migrate?: boolean
  readonly tlsCert?: string
  readonly tlsKey?: string
}

export interface RunningScheduler {
  /** Where it listens, with the port it got. */
  readonly url: string
  /** Nobody has to log in. */
  readonly isOpen: boolean
  /** Made at the first start with a password by chance; null where none was. */
  readonly firstAdmin: { readonly name: string; readonly password: string } | null
  /** Nobody can come in but by the password that an earlier start printed. */
  readonly isFirstPasswordDue: boolean
  /** Not ready, stop claims, finish requests, commit. */
  stop(): Promise<void>
}

/**
 * Reads the configuration (flag, environment, default) and starts a scheduler in this process.
 * Its log goes to stderr: JSON lines, or pretty on a terminal.
 * @throws UsageError with every fault of the configuration, CommandFailure where the start is refused
 */
export async function startSchedulerHere(
  env: Readonly<Record<string, string | undefined>>,
  flags: SchedulerFlags,
): Promise<RunningScheduler> {
  const { ConfigError, readConfig, startScheduler } = await import('@tasklane/server')
  try {
    return await startScheduler(readConfig({ env, flags }))
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.faults)
    throw describeStart(error)
  }
}

/** Whether a scheduler that is started so asks its callers for a login. The configuration has been judged before. */
export async function asksForLogin(
  env: Readonly<Record<string, string | undefined>>,
  flags: SchedulerFlags,
): Promise<boolean> {
  const { readConfig } = await import('@tasklane/server')
  return readConfig({ env, flags }).auth.mode === 'required'
}

/**
 * What is wrong with the flags together with the environment, a sentence each, before anything is started.
 */
export async function findSchedulerFaults(
  env: Readonly<Record<string, string | undefined>>,
  flags: SchedulerFlags,
): Promise<readonly string[]> {
  const { ConfigError, readConfig } = await import('@tasklane/server')
  const faults: string[] = []
  // An empty port would pass for an absent one, as an empty variable does.
  if (flags.port?.trim() === '')
    faults.push('--port is empty; it takes a whole number from 0 to 65535, 0 for any free.')
  try {
    readConfig({ env, flags })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    faults.push(...error.faults)
  }
  return [...faults, ...findFolderFaults(flags.data)]
}

/** As `findSchedulerFaults`, for a command that works on the store alone. */
export async function findStoreFaults(
  env: Readonly<Record<string, string | undefined>>,
  flags: { readonly data?: string },
): Promise<readonly string[]> {
  const { ConfigError, readStoreConfig } = await import('@tasklane/server')
  try {
    readStoreConfig({ env, flags })
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
  return findFolderFaults(flags.data)
}

function findFolderFaults(data: string | undefined): readonly string[] {
  const folder = data === undefined || data.trim() === '' ? null : dirname(resolve(data))
  if (folder === null || existsSync(folder)) return []
  return [`--data: the folder ${folder} does not exist. Create it, or name a database file elsewhere.`]
}

export type { MoveReport, MoveStep }

/**
 * Moves the store of a file into a PostgreSQL database.
 * @throws CommandFailure where either side is not as it has to be
 */
export async function moveStoreHere(ask: MoveAsk): Promise<MoveReport> {
  const { moveStore } = await import('@tasklane/server')
  try {
    return await moveStore(ask)
  } catch (error) {
    throw describeStart(error)
  }
}

export interface StorePlace {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly flags: { readonly data?: string }
}

/**
 * Makes a user of the store admin, under a new password.
 * @throws UsageError where the password will not do, CommandFailure where the store cannot be used
 */
export async function resetAdminHere(
  { env, flags }: StorePlace,
  admin: { readonly name: string; readonly password: string },
): Promise<{ readonly wasThere: boolean }> {
  const { passwordFault, readStoreConfig, resetAdmin } = await import('@tasklane/server')
  const fault = passwordFault(admin.password, admin.name)
  if (fault !== null) throw new UsageError([fault])
  try {
    return await resetAdmin(readStoreConfig({ env, flags }), admin)
  } catch (error) {
    throw describeStart(error)
  }
}

/** The schema of a store, as `tasklane migrate` tells it. */
export type { MigrationName, SchemaStatus }

export interface SchemaTools {
  status(): Promise<SchemaStatus>
  /** Null where the store has no schema of its own that an operator could change. */
  plan(): Promise<{ readonly open: readonly MigrationName[]; readonly sql: string } | null>
  up(): Promise<readonly MigrationName[] | null>
}

/**
 * The store that a scheduler would use here.
 * @throws UsageError with every fault of the configuration; its methods throw CommandFailure
 */
export async function openSchemaTools(
  env: Readonly<Record<string, string | undefined>>,
  flags: { readonly data?: string } = {},
): Promise<SchemaTools> {
  const { applyMigrations, ConfigError, planMigrations, readStoreConfig, readSchemaStatus } = await import(
    '@tasklane/server'
  )
  const store = (() => {
    try {
      return readStoreConfig({ env, flags })
    } catch (error) {
      throw error instanceof ConfigError ? new UsageError(error.faults) : error
    }
  })()
  const run = async <Value>(work: Promise<Value>): Promise<Value> =>
    work.catch((error: unknown) => {
      throw describeStart(error)
    })
  return {
    status: () => run(readSchemaStatus(store)),
    plan: async () => (store.kind === 'postgres' ? run(planMigrations(store.url)) : null),
    up: async () => (store.kind === 'postgres' ? run(applyMigrations(store.url)) : null),
  }
}

const databaseExits = {
  unreachable: exitCodes.unreachable,
  not_allowed: exitCodes.auth,
  failed: exitCodes.failed,
} as const

function describeStart(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  if (error.name === 'DatabaseError' && 'kind' in error && Object.hasOwn(databaseExits, String(error.kind))) {
    const kind = error.kind as keyof typeof databaseExits // Just looked up.
    return new CommandFailure(databaseExits[kind], `database_${kind}`, error.message)
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null
  const known: Readonly<Record<string, string>> = {
    EADDRINUSE: 'Another process listens there already. Choose another port with --port, or 0 for any free one.',
    EADDRNOTAVAIL: 'This machine has no such address. Choose another with --host.',
    EACCES: 'This user may not do that. Ports below 1024 and some folders need more rights.',
  }
  const exitCode: ExitCode = exitCodes.failed
  if (code !== null && known[code] !== undefined) {
    return new CommandFailure(exitCode, code.toLowerCase(), `${error.message}. ${known[code]}`)
  }
  // A file held by another scheduler comes with its own sentence.
  if (error.name === 'StoreLockedError') return new CommandFailure(exitCodes.conflict, 'store_locked', error.message)
  if (error.name === 'MoveError') {
    return new CommandFailure(exitCodes.conflict, code === null ? 'move_refused' : `move_${code}`, error.message)
  }
  if (error.name === 'SchemaError') return new CommandFailure(exitCodes.conflict, 'store_schema', error.message)
  if (error.name === 'TlsError') return new CommandFailure(exitCodes.usage, 'tls', error.message)
  if (error.name === 'SecretFileError') return new CommandFailure(exitCodes.usage, 'secret_key', error.message)
  if (code === 'store_unavailable') return new CommandFailure(exitCodes.unreachable, code, error.message)
  if (error.name === 'StoreFileError') return new CommandFailure(exitCode, 'store_file', error.message)
  return error
}
