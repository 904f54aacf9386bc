import pino, { type Logger } from 'pino'
import pretty from 'pino-pretty'
import { createLocalBroker } from './brokers/local/local-broker.ts'
import { createPostgresBroker } from './brokers/postgres/postgres-broker.ts'
import type { Config, StoreConfig } from './config.ts'
import { createHttpCourier } from './couriers/http/http-courier.ts'
import { createEngine, engineSettingsDefault } from './engine/create-engine.ts'
import type { Engine } from './engine/engine.ts'
import type { Broker } from './ports/broker.ts'
import type { Clock } from './ports/clock.ts'
import type { Store } from './ports/store.ts'
import { createMemoryStore } from './stores/memory/memory-store.ts'
import { placeOf } from './stores/postgres/database.ts'
import { createPostgresStore } from './stores/postgres/postgres-store.ts'
import { createSqliteStore } from './stores/sqlite/sqlite-store.ts'
import { systemClock } from './system-clock.ts'
import { version } from './version.ts'

/** One node's parts, wired. The only file that names concrete stores and brokers. */
export interface Parts {
  readonly store: Store
  readonly broker: Broker
  readonly engine: Engine
  readonly log: Logger
}

/** Opens the store, which may throw `StoreLockedError`. Nothing runs yet. */
export async function compose(config: Config, log: Logger = createLog(config)): Promise<Parts> {
  const clock: Clock = systemClock
  const store = await openStore(config.store, clock, config)
  const broker = openBroker(config.store, clock, log)
  const engine = createEngine({
    store,
    broker,
    clock,
    log,
    courier: createHttpCourier({ clock, allowed: config.alerts.webhookAllow }),
    settings: {
      ...engineSettingsDefault,
      version,
      heartbeatMs: config.heartbeatMs,
      retentionMs: config.retentionMs,
      auditKeepMs: config.auth.auditRetentionMs,
      environment: config.environment,
      publicUrl: config.alerts.publicUrl,
      retryPolicy: { ...engineSettingsDefault.retryPolicy, baseMs: config.retryBaseMs, capMs: config.retryCapMs },
    },
  })
  return { store, broker, engine, log }
}

/** Opens the store, which may throw `StoreLockedError`. What it does for a node alone can be left out. */
export async function openStore(
  store: StoreConfig,
  clock: Clock,
  settings: Partial<Pick<Config, 'headStartMs' | 'sqliteSynchronous'>> = {},
): Promise<Store> {
  const { headStartMs = 0, sqliteSynchronous: synchronous = 'FULL' } = settings
  switch (store.kind) {
    case 'memory':
      return createMemoryStore({ clock, headStartMs })
    case 'sqlite':
      return createSqliteStore({ file: store.file, clock, headStartMs, synchronous })
    case 'postgres':
      return createPostgresStore({ ...store, clock, headStartMs })
  }
}

/** One node with a file has nobody to tell. */
function openBroker(store: StoreConfig, clock: Clock, log: Logger): Broker {
  if (store.kind !== 'postgres' || store.hintsUrl === null) return createLocalBroker()
  return createPostgresBroker({ url: store.hintsUrl, clock, log })
}

/** What may be said of where tasks are kept. */
export function describeStore(store: StoreConfig): string {
  if (store.kind === 'memory') return 'memory'
  return store.kind === 'sqlite' ? `SQLite in ${store.file}` : `PostgreSQL at ${placeOf(store.url)}`
}

/** The same for who runs the node, in two parts. */
export function whereStoreIs(store: StoreConfig): {
  readonly kind: StoreConfig['kind']
  readonly place: string | null
} {
  if (store.kind === 'memory') return { kind: 'memory', place: null }
  return { kind: store.kind, place: store.kind === 'sqlite' ? store.file : placeOf(store.url) }
}

/**
 * A log that cannot be written (its disk is full, its reader is gone) is lost, and nothing else is: the stream's error
 * would end the process, and pino's own destination would try for ever at exit.
 */
const standardError = { write: (line: string) => void process.stderr.write(line) }
process.stderr.on('error', () => {})

/** JSON lines on standard error, pretty on a terminal; standard output belongs to the command's own answer. */
export function createLog(config: Pick<Config, 'logLevel'>): Logger {
  const destination = process.stderr.isTTY
    ? pretty({ destination: 2, sync: true, colorize: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' })
    : standardError
  return pino(
    { level: config.logLevel, base: { service: 'tasklane' }, timestamp: pino.stdTimeFunctions.isoTime },
    destination,
  )
}
