import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { compose, createLog, describeStore, type Parts, whereStoreIs } from './compose.ts'
import { isLoopback } from './config/edge.ts'
import { openSecrets } from './config/open-secrets.ts'
import type { Config } from './config.ts'
import { keepAlerts } from './engine/alerts/keep-alerts.ts'
import { heartbeatsPerLease } from './engine/create-engine.ts'
import { keepHistory } from './engine/history.ts'
import { buildApp, type HttpApp } from './http/app.ts'
import { ensureFirstAdmin, firstAdminName, isAsMade, whereFirstPasswordIs } from './http/auth/first-admin.ts'
import type { EdgeSettings } from './http/edge/edge-settings.ts'
import { followTlsFiles, readTlsPair } from './http/edge/tls.ts'
import { systemClock } from './system-clock.ts'
import { version } from './version.ts'
import { ensureWorkerToken } from './worker-token.ts'

export interface Scheduler {
  /** Where it listens, with the port it got. */
  readonly url: string
  /** Nobody has to log in: whoever reaches it may do everything. */
  readonly isOpen: boolean
  /** Who was made with a password by chance, to be shown once to the person who starts it; or null. */
  readonly firstAdmin: { readonly name: string; readonly password: string } | null
  /** Nobody can come in but by the password that an earlier start printed. */
  readonly isFirstPasswordDue: boolean
  /**
   * Not ready, stop claims, finish requests, commit, close: in this order. Resolves when the store is closed. What
   * has not finished after `stopGraceMs` is cut off; its clients repeat.
   */
  stop(): Promise<void>
}

/** Long polls end at once when claims stop, so that only slow readers are left. */
const stopGraceMs = 10_000

/**
 * Starts a scheduler node: opens the store, migrates it, listens, sweeps.
 * Rejects with `StoreLockedError` where another process owns the file, and with the system's `EADDRINUSE` and the like.
 */
export async function startScheduler(config: Config): Promise<Scheduler> {
  const log = createLog(config)
  for (const warning of config.warnings) log.warn({}, warning)
  // Before the store is opened: a wrong certificate, or a key that cannot be kept, changes nothing.
  const edge = edgeOf(config)
  const secrets = openSecrets(config.auth.secret, systemClock)
  const parts = await compose(config, log)
  try {
    await parts.engine.start()
    const password = await firstPasswordOf(parts, config)
    const firstPassword = await whereFirstPasswordIs(parts.store, config.auth.adminPassword)
    await ensureWorkerToken(parts.store, config.auth.workerToken, { clock: systemClock, log })
    const app = await buildApp({
      engine: parts.engine,
      clock: systemClock,
      log,
      version,
      access: {
        mode: config.auth.mode,
        accounts: parts.store,
        secretKeys: secrets.previous === null ? [secrets.key] : [secrets.key, secrets.previous],
        sessionSeconds: config.auth.tokenLifetimeMs / 1_000,
        firstPassword,
      },
      settings: { metricsEnabled: config.metricsEnabled, taskTimeoutMs: config.taskTimeoutMs },
      edge,
      whereabouts: {
        environment: config.environment,
        traceUrl: config.traceUrl,
        store: whereStoreIs(config.store),
        countNodes: parts.broker.countNodes,
      },
    })
    await app.listen({ host: config.host, port: config.port })
    // Not before: a node that cannot listen is to end.
    const keepers = [keepHistory({ ...parts, clock: systemClock }), keepAlertsOf(parts, config)]
    const { tls } = config.edge
    const stopFollowing = tls === null ? () => {} : followTlsFiles(app.server, tls, { clock: systemClock, log })
    const url = urlOf(tls === null ? 'http' : 'https', config.host, app.server.address())
    log.info({ url, store: describeStore(config.store), auth: config.auth.mode, version }, 'Tasklane is listening.')
    return Object.freeze<Scheduler>({
      url,
      isOpen: config.auth.mode !== 'required',
      firstAdmin: password === null ? null : { name: firstAdminName, password },
      isFirstPasswordDue:
        config.auth.mode === 'required' &&
        password === null &&
        firstPassword === 'printed' &&
        (await isOnlyFirstThere(parts)),
      stop: once(() => {
        stopFollowing()
        return stop(parts, app, keepers)
      }),
    })
  } catch (error) {
    await parts.engine.stop()
    await parts.broker.close()
    await parts.store.close()
    throw error
  }
}

/** What a node does by itself, beside the sweeps. */
interface Keeper {
  stop(): Promise<void>
}

function keepAlertsOf({ engine, store, log }: Parts, { heartbeatMs }: Config): Keeper {
  const leaseMs = heartbeatMs * heartbeatsPerLease
  const { alerts } = engine
  return keepAlerts({ alerts, isShared: store.isShared, clock: systemClock, log, heartbeatMs, leaseMs })
}

async function isOnlyFirstThere({ store }: Parts): Promise<boolean> {
  const [only, ...others] = await store.users()
  return only !== undefined && others.length === 0 && isAsMade(only)
}

/**
 * Of the first admin, where one was made by chance. Where nobody logs in none is: its password would be gone by the time
 * at which somebody has to.
 */
async function firstPasswordOf({ store }: Parts, { auth }: Config): Promise<string | null> {
  if (auth.mode !== 'required' && auth.adminPassword === null) return null
  return (await ensureFirstAdmin(store, auth.adminPassword, systemClock)).password
}

/** @throws TlsError */
function edgeOf({ host, edge }: Config): EdgeSettings {
  const isLocal = isLoopback(host)
  return {
    ...edge,
    hosts: [host.toLowerCase(), ...(isLocal ? [] : [hostname().toLowerCase()]), ...edge.allowedHosts],
    takesAddresses: !isLocal,
    tls: edge.tls === null ? null : readTlsPair(edge.tls),
  }
}

async function stop({ engine, store, broker, log }: Parts, app: HttpApp, keepers: readonly Keeper[]): Promise<void> {
  log.info({}, 'Stopping: no new claims, finishing what is under way.')
  app.beginStop()
  engine.beginStop()
  const cancelCutOff = systemClock.after(stopGraceMs, () => app.server.closeAllConnections())
  const stopClosing = closeAsTheyFallIdle(app)
  await app.close()
  stopClosing()
  cancelCutOff()
  await engine.stop()
  for (const keeper of keepers) await keeper.stop()
  await broker.close()
  await store.close()
  log.info({}, 'Stopped.')
}

/** A keep-alive connection whose last request was answered during the stop would hold the close up until the cut-off. */
function closeAsTheyFallIdle(app: HttpApp): () => void {
  const look = (): void => {
    app.server.closeIdleConnections()
    cancel = systemClock.after(idleLookMs, look)
  }
  let cancel = systemClock.after(idleLookMs, look)
  return () => cancel()
}

const idleLookMs = 50

/** An address a client on this machine can use: a wildcard is reached by loopback. */
function urlOf(scheme: string, host: string, address: AddressInfo | string | null): string {
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host
  return `${scheme}://${reachable}:${port}`
}

function once(action: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | null = null
  return () => {
    result ??= action()
    return result
  }
}
