import { type AlertSeverity, alertSeverities } from '@tasklane/protocol'

/** What of the page stands in its address: which tab, what the history is filtered by, and the alert that is looked at. */
export interface AlertsSearch {
  readonly tab?: AlertsTab | undefined
  readonly rule?: string | undefined
  readonly severity?: AlertSeverity | undefined
  readonly alert?: number | undefined
}

export const alertsTabs = ['firing', 'history', 'rules', 'channels'] as const
export type AlertsTab = (typeof alertsTabs)[number]

/** An address may say anything; what it may not say is left out. */
export function readAlertsSearch(search: Readonly<Record<string, unknown>>): AlertsSearch {
  const alert = Number(search.alert)
  const found: AlertsSearch = {
    tab: alertsTabs.find(tab => tab === search.tab),
    // The router reads a name of digits as a number.
    rule: typeof search.rule === 'number' ? String(search.rule) : textOf(search.rule),
    severity: alertSeverities.find(severity => severity === search.severity),
    alert: Number.isSafeInteger(alert) && alert > 0 ? alert : undefined,
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined))
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 256) : undefined
}
