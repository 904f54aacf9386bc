import { limits } from '@tasklane/protocol'
import { type AlertsConfig, readAlerts } from './config/alerts.ts'
import { type AuthConfig, readAuth } from './config/auth.ts'
import { type EdgeConfig, readEdge } from './config/edge.ts'
import { createReader, type Environment, isSet, type Reader } from './config/reader.ts'
import { readStore, type StoreConfig } from './config/store.ts'
import { readTraceUrl } from './config/trace-url.ts'
import { findUnknownVariables } from './config/variables.ts'

export type { AuthConfig, SecretConfig } from './config/auth.ts'
export type { EdgeConfig, TlsFiles } from './config/edge.ts'
export type { StoreConfig } from './config/store.ts'
export { otherVariables, variables } from './config/variables.ts'

export type LogLevelName = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Everything a node can be told, checked and complete. */
export interface Config {
  readonly host: string
  readonly port: number
  readonly store: StoreConfig
  readonly auth: AuthConfig
  /** What people call the place where this node stands; null where it has no name. */
  readonly environment: string | null
  /** Where the trace of a task is looked at, with `{trace_id}` in it; null where nobody keeps traces. */
  readonly traceUrl: string | null
  readonly edge: EdgeConfig
  readonly alerts: AlertsConfig
  /** What SQLite syncs: every commit, or checkpoints only, so that a power loss may take the last commits. */
  readonly sqliteSynchronous: 'FULL' | 'NORMAL'
  readonly logLevel: LogLevelName
  readonly metricsEnabled: boolean
  readonly heartbeatMs: number
  readonly taskTimeoutMs: number
  readonly retentionMs: number
  readonly headStartMs: number
  readonly retryBaseMs: number
  readonly retryCapMs: number
  /** Sentences worth a line in the log at start: settings that are read but not used by this version. */
  readonly warnings: readonly string[]
}

export interface ConfigInput {
  readonly env: Environment
  readonly flags?: {
    readonly host?: string | undefined
    readonly port?: string | number | undefined
    readonly data?: string | undefined
    readonly logLevel?: string | undefined
    readonly heartbeatInterval?: string | number | undefined
    /** False: the schema is brought up to date by `tasklane migrate up`, not at start. */
    readonly migrate?: boolean | undefined
    readonly tlsCert?: string | undefined
    readonly tlsKey?: string | undefined
  }
}

/** Every fault of the configuration at once, each a sentence with the way out. */
export class ConfigError extends Error {
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(
      `The configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n- ${faults.join('\n- ')}`,
    )
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/** Flag, then environment, then default. Throws one `ConfigError` with all the faults. */
export function readConfig({ env, flags = {} }: ConfigInput): Config {
  const faults: string[] = []
  const warnings: string[] = []
  const read = createReader(env, faults, warnings)
  const host = readHost(read, flags.host)
  const store = readStore(read, flags.data, flags.migrate ?? true)
  const config: Config = {
    host,
    port: read.number('API_PORT', {
      flag: '--port',
      given: flags.port,
      otherwise: 8_000,
      least: 0,
      most: 65_535,
      whole: true,
    }),
    store,
    auth: readAuth(read, { host, store }),
    environment: readEnvironment(read),
    traceUrl: readTraceUrl(read),
    edge: readEdge(read, flags),
    alerts: readAlerts(read),
    sqliteSynchronous: read.choice('TASKLANE_SQLITE_SYNCHRONOUS', ['FULL', 'NORMAL'], 'FULL'),
    logLevel: readLogLevel(read, flags.logLevel),
    metricsEnabled: read.boolean('METRICS_ENABLED', true),
    heartbeatMs: read.seconds('HEARTBEAT_INTERVAL', {
      flag: '--heartbeat-interval',
      given: flags.heartbeatInterval,
      otherwise: 5,
      least: 0.1,
      most: 300,
    }),
    taskTimeoutMs: read.seconds('TASK_TIMEOUT', {
      otherwise: limits.timeoutSecondsDefault,
      least: 0.001,
      most: limits.timeoutSecondsMax,
    }),
    retentionMs: read.seconds('TASKLANE_RETENTION', { otherwise: 7 * 86_400, least: 0, most: 3_650 * 86_400 }),
    headStartMs: read.seconds('TASKLANE_HEAD_START', { otherwise: 3_600, least: 0, most: 365 * 86_400 }),
    retryBaseMs: read.seconds('TASKLANE_RETRY_BASE', { otherwise: 1, least: 0.001, most: 86_400 }),
    retryCapMs: read.seconds('TASKLANE_RETRY_CAP', { otherwise: 3_600, least: 0.001, most: 30 * 86_400 }),
    warnings,
  }
  if (config.sqliteSynchronous === 'NORMAL') {
    warnings.push('TASKLANE_SQLITE_SYNCHRONOUS is NORMAL: a power loss may take tasks that were answered 2xx.')
  }
  for (const name of ['REDIS_URL', 'RABBITMQ_URL']) {
    if (isSet(env[name])) warnings.push(`${name} is set, but this version has no broker; it is ignored.`)
  }
  findUnknownVariables(read)
  if (faults.length > 0) throw new ConfigError(faults)
  return Object.freeze(config)
}

/** The store alone, for what works on it without a node; what else is set is not judged. */
export function readStoreConfig({ env, flags = {} }: ConfigInput): StoreConfig {
  const faults: string[] = []
  const store = readStore(createReader(env, faults, []), flags.data, flags.migrate ?? true)
  if (faults.length > 0) throw new ConfigError(faults)
  return store
}

function readHost({ env, faults }: Reader, flag: string | undefined): string {
  const host = (flag ?? (isSet(env.API_HOST) ? env.API_HOST : '127.0.0.1')).trim()
  if (/^[A-Za-z0-9_.:-]+$/.test(host)) return host
  faults.push(
    `${flag === undefined ? 'API_HOST' : '--host'} is '${host}'; it takes an address or a host name, such as 127.0.0.1.`,
  )
  return '127.0.0.1'
}

const environmentCharsMax = 32

/** A name for people, shown in the header of every page: it has to be short, and one line. */
function readEnvironment({ env, faults }: Reader): string | null {
  const name = (env.TASKLANE_ENVIRONMENT ?? '').trim()
  if (name === '') return null
  if ([...name].length <= environmentCharsMax && !/\p{C}/u.test(name)) return name
  faults.push(
    `TASKLANE_ENVIRONMENT is '${name.slice(0, 60)}'; it takes a name of up to ${environmentCharsMax} characters on one line, such as production.`,
  )
  return null
}

/** A level that is named stands before DEBUG. */
function readLogLevel(read: Reader, flag: string | undefined): LogLevelName {
  const otherwise = read.boolean('DEBUG', false) ? 'debug' : 'info'
  const given = flag ?? read.env.LOG_LEVEL
  if (!isSet(given)) return otherwise
  const name = given.trim().toLowerCase()
  const level = Object.hasOwn(levelNames, name) ? levelNames[name] : undefined
  if (level !== undefined) return level
  const source = flag === undefined ? 'LOG_LEVEL' : '--log-level'
  read.faults.push(`${source} is '${given}'; it takes trace, debug, info, warn, error or silent (default info).`)
  return otherwise
}

/** The names other systems use for the same levels are understood. */
const levelNames: Readonly<Record<string, LogLevelName | undefined>> = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  critical: 'error',
  silent: 'silent',
  off: 'silent',
}
