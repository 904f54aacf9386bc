import { type AlertRecord, decideAlerts, isNews } from '../../core/alert.ts'
import type { Log } from '../../ports/log.ts'
import type { Store } from '../../ports/store.ts'
import type { Alerts } from './alerts.ts'
import { rulesIn } from './rules.ts'
import { readTroubles, type TroublesParts } from './troubles.ts'

export interface LookParts {
  readonly store: Store
  readonly workers: TroublesParts['workers']
  readonly log: Log
  readonly newId: () => string
  readonly onChange: (numbers: readonly number[], others: number) => void
}

/** Reads, lets core decide, and makes the moves: those that this node made are its to tell. */
export function createLook({ store, workers, log, newId, onChange }: LookParts): Alerts['look'] {
  return async () => {
    const [kept, channels, open, silenced] = await Promise.all([
      store.alertRules(),
      store.alertChannels(),
      store.openAlerts(),
      store.silences(),
    ])
    const rules = rulesIn(kept).map(({ id, settings }) => ({ id, ...settings }))
    const { nowMs, troubles } = await readTroubles({ store, workers }, rules)
    const tellable = channels.map(({ id, settings, undelivered }) => ({ id, ...settings, isBehind: undelivered > 0 }))
    const moves = decideAlerts({ nowMs, rules, channels: tellable, open, silenced, troubles })
    if (moves.length === 0) return 0
    const written = await store.moveAlerts(moves, newId)
    const made = moves.flatMap((move, at) => {
      const alert = written[at]
      return alert == null ? [] : [{ move, alert }]
    })
    const before = new Map(open.map(alert => [alert.number, alert.state]))
    for (const { alert } of made) if (before.get(alert.number) !== alert.state) logChange(log, alert)
    const changed = made.filter(({ move }) => isNews(move)).map(({ alert }) => alert.number)
    if (changed.length > 0) onChange(changed, 0)
    return made.length
  }
}

function logChange(log: Log, alert: AlertRecord): void {
  const { number, ruleId, severity, kind, detail, value } = alert
  const subject = Object.fromEntries(Object.entries(alert.subject).filter(([, is]) => is !== null && is !== false))
  const fields = { alert: number, rule: ruleId, severity, kind, ...subject, value, detail }
  if (alert.state === 'firing') log.warn(fields, 'An alert fires.')
  else if (alert.state === 'resolved') log.info(fields, 'An alert is resolved.')
}
