import { resolve } from 'node:path'
import { limits } from '@tasklane/protocol'

export type LogLevelName = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Everything a node can be told, checked and complete. */
export interface Config {
  readonly host: string
  readonly port: number
  readonly store: StoreConfig
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

export type StoreConfig =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'memory' }
  | {
      readonly kind: 'postgres'
      /** With the password in it: never to be logged. */
      readonly url: string
      /** Where hints are listened for: a direct connection where `url` leads through a pooler; null is nowhere. */
      readonly hintsUrl: string | null
      readonly connections: number
      readonly mayMigrate: boolean
    }

export interface ConfigInput {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly flags?: {
    readonly host?: string | undefined
    readonly port?: string | number | undefined
    readonly data?: string | undefined
    readonly logLevel?: string | undefined
    readonly heartbeatInterval?: string | number | undefined
    /** False: the schema is brought up to date by `tasklane migrate up`, not at start. */
    readonly migrate?: boolean | undefined
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

/** The environment variables a node reads, for documents and for finding misspelt ones. */
export const variables = Object.freeze([
  'API_HOST',
  'API_PORT',
  'DATABASE_URL',
  'DEBUG',
  'HEARTBEAT_INTERVAL',
  'LOG_LEVEL',
  'METRICS_ENABLED',
  'TASK_TIMEOUT',
  'TASKLANE_DATABASE_CONNECTIONS',
  'TASKLANE_HEAD_START',
  'TASKLANE_HINTS_URL',
  'TASKLANE_RETENTION',
  'TASKLANE_RETRY_BASE',
  'TASKLANE_RETRY_CAP',
  'TASKLANE_SQLITE_SYNCHRONOUS',
])

/** Read by workers, clients and the command line, not by a node; known here so that they are not taken for mistakes. */
const otherVariables = ['TASKLANE_URL', 'TASKLANE_TOKEN']

/** Flag, then environment, then default. Throws one `ConfigError` with all the faults. */
export function readConfig({ env, flags = {} }: ConfigInput): Config {
  const faults: string[] = []
  const warnings: string[] = []
  const read = createReader(env, faults)
  const debug = read.boolean('DEBUG', false)
  const config: Config = {
    host: read.host(flags.host),
    port: read.number('API_PORT', {
      flag: '--port',
      given: flags.port,
      otherwise: 8_000,
      least: 0,
      most: 65_535,
      whole: true,
    }),
    store: read.store(flags.data, flags.migrate ?? true),
    sqliteSynchronous: read.synchronous(),
    logLevel: read.logLevel(flags.logLevel, debug ? 'debug' : 'info'),
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
  for (const name of Object.keys(env)) {
    if (!name.startsWith('TASKLANE_') || variables.includes(name) || otherVariables.includes(name)) continue
    const close = nearest(name, [...variables, ...otherVariables])
    faults.push(`${name} is not a setting of Tasklane${close === null ? '; unset it' : `; did you mean ${close}?`}`)
  }
  if (faults.length > 0) throw new ConfigError(faults)
  return Object.freeze(config)
}

interface NumberRule {
  readonly flag?: string
  readonly given?: string | number | undefined
  readonly otherwise: number
  readonly least: number
  readonly most: number
  readonly whole?: boolean
}

function createReader(env: ConfigInput['env'], faults: string[]) {
  const number = (name: string, rule: NumberRule): number => {
    const source = rule.given === undefined ? name : (rule.flag ?? name)
    const given = rule.given ?? env[name]
    if (!isSet(given)) return rule.otherwise
    const value = Number(given)
    const isFine =
      String(given).trim() !== '' &&
      Number.isFinite(value) &&
      value >= rule.least &&
      value <= rule.most &&
      (rule.whole !== true || Number.isInteger(value))
    if (isFine) return value
    const kind = rule.whole === true ? 'a whole number' : 'a number'
    faults.push(
      `${source} is '${given}'; it takes ${kind} from ${rule.least} to ${rule.most} (default ${rule.otherwise}).`,
    )
    return rule.otherwise
  }
  return {
    number,
    seconds: (name: string, rule: NumberRule): number => Math.round(number(name, rule) * 1_000),
    boolean: (name: string, otherwise: boolean): boolean => {
      const given = env[name]
      if (!isSet(given)) return otherwise
      const text = given.trim().toLowerCase()
      if (['true', '1', 'yes', 'on'].includes(text)) return true
      if (['false', '0', 'no', 'off'].includes(text)) return false
      faults.push(`${name} is '${given}'; it takes true or false (default ${otherwise}).`)
      return otherwise
    },
    host: (flag: string | undefined): string => {
      const host = (flag ?? (isSet(env.API_HOST) ? env.API_HOST : '127.0.0.1')).trim()
      if (/^[A-Za-z0-9_.:-]+$/.test(host)) return host
      faults.push(
        `${flag === undefined ? 'API_HOST' : '--host'} is '${host}'; it takes an address or a host name, such as 127.0.0.1.`,
      )
      return '127.0.0.1'
    },
    logLevel: (flag: string | undefined, otherwise: LogLevelName): LogLevelName => {
      const given = flag ?? env.LOG_LEVEL
      if (!isSet(given)) return otherwise
      const name = given.trim().toLowerCase()
      const level = Object.hasOwn(levelNames, name) ? levelNames[name] : undefined
      if (level !== undefined) return level
      const source = flag === undefined ? 'LOG_LEVEL' : '--log-level'
      faults.push(`${source} is '${given}'; it takes trace, debug, info, warn, error or silent (default info).`)
      return otherwise
    },
    synchronous: (): Config['sqliteSynchronous'] => {
      const given = env.TASKLANE_SQLITE_SYNCHRONOUS
      if (!isSet(given)) return 'FULL'
      const name = given.trim().toUpperCase()
      if (name === 'FULL' || name === 'NORMAL') return name
      faults.push(`TASKLANE_SQLITE_SYNCHRONOUS is '${given}'; it takes FULL or NORMAL (default FULL).`)
      return 'FULL'
    },
    store: (data: string | undefined, mayMigrate: boolean): StoreConfig => {
      const connections = number('TASKLANE_DATABASE_CONNECTIONS', { otherwise: 10, least: 3, most: 500, whole: true })
      return readStore({ data, env, faults, connections, mayMigrate })
    },
  }
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

/**
 * `--data FILE`, or DATABASE_URL as `sqlite:///relative.db`, `sqlite:////absolute.db`, `postgresql://…` or `memory:`.
 * Other systems name a driver in the scheme (`postgresql+asyncpg`), or say `postgres`: both are understood.
 */
function readStore(input: {
  readonly data: string | undefined
  readonly env: ConfigInput['env']
  readonly faults: string[]
  readonly connections: number
  readonly mayMigrate: boolean
}): StoreConfig {
  const { data, env, faults, connections, mayMigrate } = input
  const url = env.DATABASE_URL
  if (data !== undefined) {
    if (data.trim() === '') faults.push('--data is empty; it takes a file name, such as ./tasklane.db.')
    return { kind: 'sqlite', file: resolve(data) }
  }
  if (!isSet(url)) return { kind: 'sqlite', file: resolve('tasklane.db') }
  if (url === 'memory:') return { kind: 'memory' }
  const sqlite = /^sqlite(?:\+\w+)?:\/\/\/(.+)$/.exec(url)
  const file = sqlite?.[1] === undefined ? null : decodedPath(sqlite[1])
  if (file !== null) return { kind: 'sqlite', file: resolve(file) }
  const postgres = readPostgresUrl('DATABASE_URL', url, faults)
  if (postgres !== null) {
    const given = isSet(env.TASKLANE_HINTS_URL)
      ? readPostgresUrl('TASKLANE_HINTS_URL', env.TASKLANE_HINTS_URL, faults)
      : null
    const isPooled = new URL(postgres).searchParams.get('pgbouncer') === 'true'
    return { kind: 'postgres', url: postgres, hintsUrl: given ?? (isPooled ? null : postgres), connections, mayMigrate }
  }
  if (!/^postgres(?:ql)?(?:\+\w+)?:\/\//.test(url)) {
    faults.push(
      `DATABASE_URL is '${withoutPassword(url)}'; it takes sqlite:///FILE (relative), sqlite:////FILE (absolute) or postgresql://USER:PASSWORD@HOST/DATABASE.`,
    )
  }
  return { kind: 'memory' }
}

/** Null where it is of another kind; a fault where it is one that cannot be read. */
function readPostgresUrl(name: string, given: string, faults: string[]): string | null {
  const scheme = /^postgres(?:ql)?(?:\+\w+)?:\/\//.exec(given)
  if (scheme === null) return null
  const url = `postgresql://${given.slice(scheme[0].length)}`
  if (URL.canParse(url) && new URL(url).pathname.length > 1) return url
  faults.push(
    `${name} is '${withoutPassword(given)}', which is no address of a database; it takes postgresql://USER:PASSWORD@HOST:PORT/DATABASE, ` +
      'with special characters of the password percent-encoded.',
  )
  return null
}

/** For messages: what stands between the user's name and the host is not repeated. */
function withoutPassword(url: string): string {
  return url.replace(/^([a-z+]+:\/\/[^:@/]*):.*@/i, '$1:…@')
}

/** Null where the percent encoding is broken. */
function decodedPath(path: string): string | null {
  try {
    return decodeURIComponent(path)
  } catch {
    return null
  }
}

function isSet<T extends string | number>(value: T | undefined): value is T {
  return value !== undefined && value !== ''
}

/** The closest known name, if it is close enough to be a slip of the finger. */
function nearest(name: string, known: readonly string[]): string | null {
  const ranked = known.map(other => ({ other, distance: editDistance(name, other) }))
  const best = ranked.sort((one, two) => one.distance - two.distance)[0]
  return best !== undefined && best.distance <= 4 ? best.other : null
}

function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let at = 1; at <= one.length; at += 1) {
    const next = [at]
    for (let to = 1; to <= other.length; to += 1) {
      const replaced = (row[to - 1] ?? 0) + (one[at - 1] === other[to - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[to] ?? 0) + 1, (next[to - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[other.length] ?? 0
}
