import { createUuidV7 } from '@tasklane/protocol'
import { type AlertRecord, decideAlerts } from '../../core/alert.ts'
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
import { createRules, rulesIn } from './rules.ts'
import { readTroubles, type TroublesParts } from './troubles.ts'
import { toAlert } from './wire.ts'

export interface AlertsParts extends Pick<DeliveriesParts, 'version' | 'environment' | 'publicUrl' | 'onOutcome'> {
  readonly store: Store
  readonly courier: Courier | null
  readonly clock: Clock
  readonly log: Log
  readonly workers: TroublesParts['workers']
  /** Alerts by number, and how many more changes there were, of rules and channels among them. */
  readonly onChange: (numbers: readonly number[], others: number) => void
}

/** Resolved alerts are kept so long, and at most so many. */
const keepMs = 30 * 86_400_000
const keptMax = 10_000
const pruneMax = 1_000
const pruneRoundsMax = 20

export function createAlerts(parts: AlertsParts): Alerts {
  const { store, clock, log, workers, onChange } = parts
  const newId = createUuidV7(clock.now, clock.fillRandom)
  const deliveries = createDeliveries(parts)
  const onSettings = () => onChange([], 1)
  /** Of what this node has told its watchers; null before it looked. */
  let seenVersion: number | null = null

  async function look(): Promise<number> {
    const [kept, channels, open, silenced] = await Promise.all([
      store.alertRules(),
      store.alertChannels(),
      store.openAlerts(),
      store.silences(),
    ])
    const rules = rulesIn(kept).map(({ id, settings }) => ({ id, ...settings }))
    const { nowMs, troubles } = await readTroubles({ store, workers }, rules)
    const tellable = channels.map(({ id, settings }) => ({ id, ...settings }))
    const moves = decideAlerts({ nowMs, rules, channels: tellable, open, silenced, troubles })
    if (moves.length === 0) return 0
    const written = await store.moveAlerts(moves, newId)
    const made = moves.flatMap((move, at) => {
      const alert = written[at]
      return alert == null ? [] : [{ move, alert }]
    })
    const before = new Map(open.map(alert => [alert.number, alert.state]))
    for (const { alert } of made) if (before.get(alert.number) !== alert.state) logChange(log, alert)
    const changed = made.filter(({ move }) => move.kind !== 'change' || move.isNews).map(({ alert }) => alert.number)
    if (changed.length > 0) onChange(changed, 0)
    return made.length
  }

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

function logChange(log: Log, alert: AlertRecord): void {
  const { number, ruleId, severity, kind, detail, value } = alert
  const subject = Object.fromEntries(Object.entries(alert.subject).filter(([, is]) => is !== null && is !== false))
  const fields = { alert: number, rule: ruleId, severity, kind, ...subject, value, detail }
  if (alert.state === 'firing') log.warn(fields, 'An alert fires.')
  else if (alert.state === 'resolved') log.info(fields, 'An alert is resolved.')
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
