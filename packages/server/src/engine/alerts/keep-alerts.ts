import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/log.ts'
import type { Alerts } from './alerts.ts'

/** A pass of its own, beside the sweeps: a look that takes its time must not keep leases from being reaped. */
export interface KeptAlerts {
  /** Waits for what is under way. */
  stop(): Promise<void>
}

/** As often as workers are heard, within these. */
const mostOftenMs = 1_000
const leastOftenMs = 5_000
const pruneEveryMs = 600_000

/**
 * Looks every few seconds, in turn with other nodes, and delivers what channels are to be told. After the start of this
 * node, and after the store was away, workers could not be heard: for one lease nothing is looked for.
 */
export function keepAlerts(parts: {
  readonly alerts: Alerts
  readonly isShared: boolean
  readonly clock: Clock
  readonly log: Log
  readonly heartbeatMs: number
  readonly leaseMs: number
}): KeptAlerts {
  const { alerts, clock, log, leaseMs: quietMs } = parts
  const everyMs = Math.min(leastOftenMs, Math.max(mostOftenMs, parts.heartbeatMs))
  let lookFromMs = clock.monotonic() + quietMs
  let pruneFromMs = clock.monotonic() + pruneEveryMs
  let looking: Promise<void> | null = null
  let delivering: Promise<void> | null = null
  let cancelTimer = clock.after(everyMs, tick)

  function tick(): void {
    cancelTimer = clock.after(everyMs, tick)
    deliver()
    looking ??= look()
      .catch((error: unknown) => {
        lookFromMs = clock.monotonic() + quietMs
        log.debug({ err: error }, 'Alerts are looked for again later.')
      })
      .finally(() => {
        looking = null
      })
  }

  async function look(): Promise<void> {
    if (parts.isShared) await alerts.noticeOthers()
    // A little less than the time between two looks, or the turn would be just over at every other one.
    if (clock.monotonic() >= lookFromMs && (await alerts.lookInTurn(everyMs * 0.8)) > 0) deliver()
    if (clock.monotonic() < pruneFromMs) return
    pruneFromMs = clock.monotonic() + pruneEveryMs
    await alerts.prune()
  }

  function deliver(): void {
    delivering ??= alerts
      .deliver()
      .catch((error: unknown) => log.debug({ err: error }, 'Channels are told of alerts later.'))
      .finally(() => {
        delivering = null
      })
  }

  return {
    async stop() {
      cancelTimer()
      await looking
      await delivering
    },
  }
}
