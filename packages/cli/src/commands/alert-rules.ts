import {
  type AlertKind,
  type AlertRule,
  type AlertRuleChange,
  alertKindFacts,
  alertKinds,
  alertSeverities,
  limits,
} from '@tasklane/protocol'
import type { SchedulerClient } from '../connection.ts'
import type { Arguments } from '../input/arguments.ts'
import { type Reading, readChoice, readName, readNumber, readSeconds, readTitle } from '../input/values.ts'
import { formatDuration } from '../output/quantities.ts'
import {
  type ConnectedRun,
  connectionOptions,
  createCommand,
  createGroup,
  type OptionSpec,
  type Session,
} from './command.ts'

const settingOptions: readonly OptionSpec[] = [
  { flags: '--threshold <n>', help: 'in the unit of its kind: tasks, seconds, percent or workers' },
  { flags: '--window <time>', help: 'how far a rule of failures looks back: 5m, 15m, 1h' },
  { flags: '--least <n>', help: 'ended tasks below which a rate says nothing' },
  { flags: '--for <time>', help: 'how long it has to hold before an alert fires (default 1m)' },
  { flags: '--severity <severity>', help: `${alertSeverities.join(' or ')} (default warning)` },
  { flags: '--queue <name>', help: 'of this queue only' },
  { flags: '--type <name>', help: 'of this task type only' },
]

/** What is watched for. */
export function createRulesCommand(session: Session) {
  const commands = [
    createListCommand(session),
    createCreateCommand(session),
    createSetCommand(session),
    createSwitchCommand(session, 'enable', true),
    createSwitchCommand(session, 'disable', false),
    createRemoveCommand(session),
  ]
  return createGroup('rules', 'look at what is watched for, and change it', commands, 'list')
}

function createListCommand(session: Session) {
  return createCommand(session, {
    usage: 'list',
    summary: 'list rules, those that are there from the start first',
    options: connectionOptions,
    examples: [['tasklane alerts rules', '']],
    run: run =>
      run.connected(
        () => undefined,
        async client => {
          const rules = await client.alerts.rules()
          run.output.document({ rules }, () => renderRules(run, rules))
          return undefined
        },
      ),
  })
}

function createCreateCommand(session: Session) {
  return createCommand(session, {
    usage: 'create <name>',
    summary: 'create a rule',
    options: [{ flags: '--kind <kind>', help: alertKinds.join(', ') }, ...settingOptions, ...connectionOptions],
    notes: describeKinds(),
    examples: [
      ["tasklane alerts rules create 'Mail is deep' --kind queue_depth --queue mail --threshold 500 --for 5m", ''],
    ],
    run: run =>
      run.connected(
        input => {
          const kind = input.flag('--kind', (subject, text) => readChoice(subject, text, alertKinds))
          if (kind === null) input.fault(`--kind is missing; it takes one of ${alertKinds.join(', ')}.`)
          const name = input.operand(0, 'NAME', readTitle) ?? ''
          return { ...readSettings(input), name, kind: kind ?? 'queue_depth' }
        },
        async (client, draft) => {
          const rule = await client.alerts.createRule(draft)
          run.output.document(rule, () => rule.rule_id)
          run.output.note(`Rule '${rule.name}' watches: ${inWords(rule)}.`)
          return undefined
        },
      ),
  })
}

function createSetCommand(session: Session) {
  return createCommand(session, {
    usage: 'set <rule>',
    summary: 'change a rule, by its id',
    options: [{ flags: '--name <text>', help: 'what it is called' }, ...settingOptions, ...connectionOptions],
    examples: [['tasklane alerts rules set waiting-long --threshold 120 --severity critical', '']],
    run: run =>
      run.connected(
        input => {
          const name = input.flag('--name', readTitle)
          const change = { ...readSettings(input), ...(name === null ? {} : { name }) }
          if (Object.keys(change).length === 0) input.fault('Nothing is to be changed; name at least one setting.')
          return { id: input.operand(0, 'RULE', readRuleId) ?? '', change }
        },
        async (client, { id, change }) => {
          const rule = await client.alerts.changeRule(id, change)
          run.output.document(rule, () => `${rule.rule_id} watches: ${inWords(rule)}.`)
          return undefined
        },
      ),
  })
}

function createSwitchCommand(session: Session, name: string, isEnabled: boolean) {
  return createCommand(session, {
    usage: `${name} <rule...>`,
    summary: isEnabled ? 'enable rules' : 'disable rules; their alerts are resolved',
    options: connectionOptions,
    examples: [[`tasklane alerts rules ${name} queue-depth`, '']],
    run: run =>
      run.connected(
        input => input.operands('RULE', readRuleId),
        async (client, ids) => {
          const rules = await inTurn(ids, id => client.alerts.changeRule(id, { enabled: isEnabled }))
          run.output.document({ rules }, () => rules.map(rule => `${rule.rule_id} is ${name}d`).join('\n'))
          return undefined
        },
      ),
  })
}

function createRemoveCommand(session: Session) {
  return createCommand(session, {
    usage: 'remove <rule...>',
    summary: 'remove rules that somebody made; their alerts are resolved',
    options: connectionOptions,
    examples: [['tasklane alerts rules remove 01a21769-ca0b-70c9-998a-185f6e3b7ec6', '']],
    run: run =>
      run.connected(
        input => input.operands('RULE', readRuleId),
        async (client: SchedulerClient, ids) => {
          await inTurn(ids, id => client.alerts.removeRule(id))
          run.output.document({ removed: ids }, () => ids.map(id => `${id} is removed`).join('\n'))
          return undefined
        },
      ),
  })
}

async function inTurn<Result>(
  ids: readonly string[],
  act: (id: string) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  for (const id of ids) results.push(await act(id))
  return results
}

function readSettings(input: Arguments): AlertRuleChange {
  const positive = (subject: string, text: string) => readNumber(subject, text, { min: 0.1, max: 1_000_000_000 })
  const seconds = (max: number, min: number) => (subject: string, text: string) =>
    readSeconds(subject, text, { min, max })
  const settings = {
    threshold: input.flag('--threshold', positive),
    window: input.flag('--window', seconds(86_400, 1)),
    least: input.flag('--least', (subject, text) =>
      readNumber(subject, text, { min: 1, max: 1_000_000, isWhole: true }),
    ),
    for: input.flag('--for', seconds(limits.alertForSecondsMax, 0)),
    severity: input.flag('--severity', (subject, text) => readChoice(subject, text, alertSeverities)),
    queue: input.flag('--queue', readName),
    task_type: input.flag('--type', readName),
  }
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null))
}

function renderRules({ output }: ConnectedRun, rules: readonly AlertRule[]): string {
  return output.table(rules, [
    { title: 'rule', text: rule => rule.rule_id },
    {
      title: 'state',
      text: rule => (rule.enabled ? 'enabled' : 'disabled'),
      style: (text, rule) => output.paint(rule.enabled ? 'green' : 'yellow', text),
    },
    { title: 'severity', text: rule => rule.severity },
    { title: 'for', text: rule => (rule.for === 0 ? 'at once' : formatDuration(rule.for * 1_000)), align: 'right' },
    { title: 'name', text: rule => rule.name },
    { title: 'watches', text: inWords, shrinks: true },
  ])
}

/** `queue_depth above 500 tasks, queue mail`. */
function inWords(rule: AlertRule): string {
  const { threshold } = alertKindFacts[rule.kind]
  const bound =
    threshold === null || rule.threshold === null
      ? ''
      : ` ${threshold.holds.replace('_', ' ')} ${rule.threshold} ${rule.threshold === 1 ? threshold.unit.replace(/s$/, '') : threshold.unit}`
  const parts = [
    `${rule.kind}${bound}`,
    rule.window === null ? '' : `in the last ${formatDuration(rule.window * 1_000)}`,
    rule.least === null ? '' : `of ${rule.least} at least`,
    rule.queue === null ? '' : `queue ${rule.queue}`,
    rule.task_type === null ? '' : `type ${rule.task_type}`,
  ]
  return parts.filter(part => part !== '').join(', ')
}

function describeKinds(): string {
  const width = Math.max(...alertKinds.map(kind => kind.length))
  const line = (kind: AlertKind): string => {
    const { title, threshold } = alertKindFacts[kind]
    const unit = threshold === null ? '' : `; ${threshold.unit}, ${threshold.otherwise} if not said`
    return `  ${kind.padEnd(width)}  ${title}${unit}`
  }
  return `Kinds:\n${alertKinds.map(line).join('\n')}`
}

function readRuleId(subject: string, text: string): Reading<string> {
  if (/^[A-Za-z0-9-]{1,128}$/.test(text)) return { value: text }
  return { fault: `${subject} takes the id of a rule (\`tasklane alerts rules\` shows them), not '${text}'.` }
}
