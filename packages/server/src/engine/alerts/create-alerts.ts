import { createUuidV7 } from '@tasklane/protocol'
import type { AlertRecord } from '../../core/alert.ts'
import { noticeKeepMs } from '../../core/alert-notice.ts'
import { readCursor, writeCursor } from '../../core/cursor.ts'
import { Problem } from '../../core/problem.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Courier } from '../../ports/courier.ts'
import type { Log } from '../../ports/log.ts'
import type { Store } from '../../ports/store.ts'
import type { AlertCounts, Alerts } from './alerts.ts'
import { createChannels } from './channels.ts'
import { createDeliveries, type DeliveriesParts } from './deliver.ts'
import { createLook, type LookParts } from './look.ts'
import { createRules } from './rules.ts'
import { toAlert } from './wire.ts'

export interface AlertsParts extends Pick<DeliveriesParts, 'version' | 'environment' | 'publicUrl' | 'onOutcome'> {
  readonly store: Store
  readonly courier: Courier | null
  readonly clock: Clock
  readonly log: Log
  readonly workers: LookParts['workers']
  /** Alerts by number, and how many more changes there were, of rules and channels among them. */
  readonly onChange: (numbers: readonly number[], others: number) => void
}

/** Resolved alerts are kept so long, and at most so many. */
const keepMs = 30 * 86_400_000
const keptMax = 10_000
const pruneMax = 1_000
const pruneRoundsMax = 20

export function createAlerts(parts: AlertsParts): Alerts {
  const { store, clock, onChange } = parts
  const newId = createUuidV7(clock.now, clock.fillRandom)
  const deliveries = createDeliveries(parts)
  const onSettings = () => onChange([], 1)
  const look = createLook({ ...parts, newId })
  /** Of what this node has told its watchers; null before it looked. */
  let seenVersion: number | null = null

  return Object.freeze<Alerts>({
    ...createRules({ store, newId, onChange: onSettings }),
    ...createChannels({ store, courier: parts.courier, clock, deliveries, newId, onChange: onSettings }),
    async list(filter, { limit, cursor }) {
      const filterText = JSON.stringify(filter)
      const before = cursor === null ? null : readCursor(cursor, filterText)
      // One more than asked for tells whether there is a next page.
      const found = await store.alerts(filter, { limit: limit + 1, before })
      const last = found.length > limit ? found[limit - 1] : undefined
      return {
        alerts: found.slice(0, limit).map(toAlert),
        next_cursor: last === undefined ? null : writeCursor(last.number, filterText),
      }
    },
    one: async id => toAlert(known(await store.alert(id), id)),
    async silence(id, silence) {
      const alert = known(await store.alert(id), id)
      if (silence !== null && alert.state === 'resolved') {
        throw new Problem('alert_resolved', `Alert ${id} was resolved; there is nothing to silence any more.`)
      }
      const silenced = known(await store.silenceAlert(id, silence), id)
      onChange([id], 0)
      return toAlert(silenced)
    },
    open: store.openAlerts,
    counts: async () => countsOf(await store.openAlerts()),
    look,
    lookInTurn: async everyMs => ((await store.takeAlertTurn(everyMs)) ? look() : 0),
    deliver: deliveries.deliver,
    async noticeOthers() {
      const version = await store.alertsVersion()
      if (seenVersion !== null && version !== seenVersion) onChange([], 1)
      seenVersion = version
    },
    async prune() {
      const ask = { keepMs, most: keptMax, noticeKeepMs: noticeKeepMs * 2, limit: pruneMax }
      for (let round = 0; round < pruneRoundsMax; round += 1) if ((await store.pruneAlerts(ask)) < pruneMax) return
    },
  })
}

function known(alert: AlertRecord | null, id: number): AlertRecord {
  if (alert === null) throw new Problem('alert_unknown', `No alert has the number ${id}.`)
  return alert
}

function countsOf(open: readonly AlertRecord[]): AlertCounts {
  const counts = { pending: { warning: 0, critical: 0 }, firing: { warning: 0, critical: 0 } }
  for (const { state, severity } of open) if (state !== 'resolved') counts[state][severity] += 1
  return counts
}
