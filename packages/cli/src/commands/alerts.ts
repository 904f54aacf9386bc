import { type Alert, type AlertSilenceRequest, alertSeverities, alertStates, limits } from '@tasklane/protocol'
import { type Reading, readChoice, readInstant, readNumber, readSeconds, readText } from '../input/values.ts'
import { formatAge } from '../output/quantities.ts'
import { createChannelsCommand } from './alert-channels.ts'
import { createRulesCommand } from './alert-rules.ts'
import { type ConnectedRun, connectionOptions, createCommand, createGroup, type Session } from './command.ts'

const alertsDefault = 50
const alertsMax = 10_500

/** What is in trouble, what is watched for, and who is told. */
export function createAlertsCommand(session: Session) {
  const commands = [
    createListCommand(session),
    createSilenceCommand(session),
    createUnsilenceCommand(session),
    createRulesCommand(session),
    createChannelsCommand(session),
  ]
  return createGroup('alerts', 'look at alerts and silence them; rules and channels', commands, 'list')
}

function createListCommand(session: Session) {
  return createCommand(session, {
    usage: 'list',
    summary: 'list alerts; those that are not resolved, unless said otherwise',
    options: [
      { flags: '--state <states>', help: `${alertStates.join(', ')} (default pending, firing)`, isRepeated: true },
      { flags: '--severity <severities>', help: alertSeverities.join(', '), isRepeated: true },
      { flags: '--rule <id>', help: 'only of this rule' },
      { flags: '--limit <n>', help: `alerts, newest first (default ${alertsDefault})` },
      ...connectionOptions,
    ],
    examples: [
      ['tasklane alerts', 'what is in trouble now'],
      ['tasklane alerts list --state resolved --limit 20', 'what was'],
    ],
    run: run =>
      run.connected(
        input => {
          const states = input.list('--state', (subject, text) => readChoice(subject, text, alertStates))
          const severities = input.list('--severity', (subject, text) => readChoice(subject, text, alertSeverities))
          return {
            states: states.length === 0 ? (['pending', 'firing'] as const) : states,
            severities: severities.length === 0 ? undefined : severities,
            rule: input.flag('--rule', (subject, text) => readText(subject, text, limits.nameCharsMax)) ?? undefined,
            limit:
              input.flag('--limit', (subject, text) =>
                readNumber(subject, text, { min: 1, max: alertsMax, isWhole: true }),
              ) ?? alertsDefault,
          }
        },
        async (client, { limit, ...filter }) => {
          const alerts: Alert[] = []
          let cursor: string | undefined
          do {
            const left = Math.min(limits.pageAlertsMax, limit - alerts.length)
            const page = await client.alerts.list({ ...filter, limit: left, cursor })
            alerts.push(...page.alerts)
            cursor = page.next_cursor ?? undefined
          } while (cursor !== undefined && alerts.length < limit)
          run.output.document({ alerts }, () => renderAlerts(run, alerts))
          return undefined
        },
      ),
  })
}

function createSilenceCommand(session: Session) {
  return createCommand(session, {
    usage: 'silence <alert>',
    summary: 'tell no channel for a time that this fires, also if it ends and begins anew',
    options: [
      { flags: '--for <time>', help: 'how long: 30m, 2h, 1d (default 1h)' },
      { flags: '--until <time>', help: 'or until when, such as 2030-01-31T09:00:00Z' },
      { flags: '--reason <text>', help: 'why, for those who come later' },
      ...connectionOptions,
    ],
    examples: [["tasklane alerts silence 17 --for 2h --reason 'The disk is on its way'", '']],
    run: run =>
      run.connected(
        input => {
          const until = input.flag('--until', readInstant)
          const seconds = input.flag('--for', readLasting)
          if (until !== null && seconds !== null)
            input.fault('--for and --until are both given; leave one of them out.')
          const reason = input.flag('--reason', readReason)
          if (reason === null) input.fault('--reason is missing; say why, for those who come later.')
          const ends = until === null ? { for: seconds ?? 3_600 } : { until }
          const silence: AlertSilenceRequest = { ...ends, reason: reason ?? '' }
          return { id: input.operand(0, 'ALERT', readAlertId) ?? 0, silence }
        },
        async (client, { id, silence }) => {
          const alert = await client.alerts.silence(id, silence)
          run.output.document(alert, () => `Alert ${id} is silenced until ${alert.silence?.until ?? '-'}.`)
          return undefined
        },
      ),
  })
}

function createUnsilenceCommand(session: Session) {
  return createCommand(session, {
    usage: 'unsilence <alert>',
    summary: 'take a silence back',
    options: connectionOptions,
    examples: [['tasklane alerts unsilence 17', '']],
    run: run =>
      run.connected(
        input => input.operand(0, 'ALERT', readAlertId) ?? 0,
        async (client, id) => {
          const alert = await client.alerts.unsilence(id)
          run.output.document(alert, () => `Alert ${id} is not silenced any more.`)
          return undefined
        },
      ),
  })
}

function renderAlerts({ host, output }: ConnectedRun, alerts: readonly Alert[]): string {
  if (alerts.length === 0) return 'No alerts of this kind.'
  const nowMs = host.nowMs()
  const tones = { firing: 'red', pending: 'yellow', resolved: 'green' } as const
  return output.table(alerts, [
    { title: 'alert', text: alert => String(alert.alert_id), align: 'right' },
    {
      title: 'state',
      text: alert => stateOf(alert, nowMs),
      style: (text, { state }) => output.paint(tones[state], text),
    },
    { title: 'severity', text: alert => alert.severity },
    { title: 'rule', text: alert => alert.rule },
    { title: 'since', text: alert => formatAge(alert.since, nowMs) },
    { title: 'detail', text: alert => alert.detail, shrinks: true },
  ])
}

function stateOf({ state, silence }: Alert, nowMs: number): string {
  const isSilenced = silence !== null && state !== 'resolved' && Date.parse(silence.until) > nowMs
  return isSilenced ? `${state} (silenced)` : state
}

function readAlertId(subject: string, text: string): Reading<number> {
  if (/^[1-9]\d{0,14}$/.test(text)) return { value: Number(text) }
  return { fault: `${subject} takes the number of an alert (\`tasklane alerts\` shows them), not '${text}'.` }
}

function readLasting(subject: string, text: string): Reading<number> {
  return readSeconds(subject, text, { min: 1, max: limits.alertSilenceSecondsMax })
}

function readReason(subject: string, text: string): Reading<string> {
  return text.trim() === '' ? { fault: `${subject} is empty; say why.` } : readText(subject, text, limits.titleCharsMax)
}
