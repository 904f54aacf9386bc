import { randomBytes } from 'node:crypto'
import { type AlertChannel, type AlertChannelDraft, alertSeverities, limits } from '@tasklane/protocol'
import { exitCodes } from '../exit-codes.ts'
import { CommandFailure } from '../faults.ts'
import type { Arguments } from '../input/arguments.ts'
import { type Reading, readChoice, readSeconds, readText, readTitle } from '../input/values.ts'
import { formatAge, formatDuration } from '../output/quantities.ts'
import {
  type ConnectedRun,
  connectionOptions,
  createCommand,
  createGroup,
  type OptionSpec,
  type Session,
} from './command.ts'

/** Who is told. */
export function createChannelsCommand(session: Session) {
  const commands = [
    createListCommand(session),
    createCreateCommand(session),
    createSetCommand(session),
    createTestCommand(session),
    createRemoveCommand(session),
  ]
  return createGroup('channels', 'look at who is told of alerts, and change it', commands, 'list')
}

function createListCommand(session: Session) {
  return createCommand(session, {
    usage: 'list',
    summary: 'list channels, without their secrets',
    options: connectionOptions,
    examples: [['tasklane alerts channels', '']],
    run: run =>
      run.connected(
        () => undefined,
        async client => {
          const channels = await client.alerts.channels()
          run.output.document({ channels }, () => renderChannels(run, channels))
          return undefined
        },
      ),
  })
}

function createCreateCommand(session: Session) {
  return createCommand(session, {
    usage: 'create <name> <url>',
    summary: 'tell this address of alerts, by POST',
    options: [
      ...settingOptions,
      { flags: '--sign', help: 'sign messages with a secret, which is made and printed, this once' },
      ...connectionOptions,
    ],
    notes: 'Without --sign the id of the channel is printed; with it, the secret.',
    examples: [
      ["tasklane alerts channels create 'Night shift' https://hooks.example/1 --severity critical --sign", ''],
    ],
    run: run =>
      run.connected(
        input => {
          return {
            name: input.operand(0, 'NAME', readTitle) ?? '',
            url: input.operand(1, 'URL', readUrl) ?? '',
            ...readSettings(input),
            // 192 bits, in letters that every shell leaves alone.
            secret: input.isSet('--sign') ? randomBytes(24).toString('base64url') : null,
          }
        },
        async (client, draft) => {
          const channel = await client.alerts.createChannel(draft)
          const { secret } = draft
          run.output.document(secret === null ? channel : { ...channel, secret }, () => secret ?? channel.channel_id)
          run.output.note(`Channel '${channel.name}' (${channel.channel_id}) is told of ${inWords(channel)}.`)
          return undefined
        },
      ),
  })
}

function createSetCommand(session: Session) {
  return createCommand(session, {
    usage: 'set <channel>',
    summary: 'change a channel, by its id',
    options: [
      { flags: '--name <text>', help: 'what it is called' },
      { flags: '--address <url>', help: 'where messages are sent' },
      ...settingOptions,
      ...connectionOptions,
    ],
    examples: [['tasklane alerts channels set 01a21769-ca0b-70c9-998a-185f6e3b7ec6 --remind 4h', '']],
    run: run =>
      run.connected(
        input => {
          const name = input.flag('--name', readTitle)
          const url = input.flag('--address', readUrl)
          const change = {
            ...(name === null ? {} : { name }),
            ...(url === null ? {} : { url }),
            ...readSettings(input),
          }
          if (Object.keys(change).length === 0) input.fault('Nothing is to be changed; name at least one setting.')
          return { id: input.operand(0, 'CHANNEL', readChannelId) ?? '', change }
        },
        async (client, { id, change }) => {
          const channel = await client.alerts.changeChannel(id, change)
          run.output.document(channel, () => `${channel.channel_id} is told of ${inWords(channel)}.`)
          return undefined
        },
      ),
  })
}

function createTestCommand(session: Session) {
  return createCommand(session, {
    usage: 'test <channel>',
    summary: 'send a message that is marked as a test, and tell what came back',
    options: connectionOptions,
    examples: [['tasklane alerts channels test 01a21769-ca0b-70c9-998a-185f6e3b7ec6', '']],
    run: run =>
      run.connected(
        input => input.operand(0, 'CHANNEL', readChannelId) ?? '',
        async (client, id) => {
          const result = await client.alerts.testChannel(id)
          run.output.document(
            result,
            () => `${result.detail} (${result.status ?? 'no answer'}, ${result.duration_ms} ms)`,
          )
          if (!result.delivered) throw new CommandFailure(exitCodes.failed, 'not_delivered', result.detail)
          return undefined
        },
      ),
  })
}

function createRemoveCommand(session: Session) {
  return createCommand(session, {
    usage: 'remove <channel...>',
    summary: 'remove channels, with what they were still to be told',
    options: connectionOptions,
    examples: [['tasklane alerts channels remove 01a21769-ca0b-70c9-998a-185f6e3b7ec6', '']],
    run: run =>
      run.connected(
        input => input.operands('CHANNEL', readChannelId),
        async (client, ids) => {
          for (const id of ids) await client.alerts.removeChannel(id)
          run.output.document({ removed: ids }, () => ids.map(id => `${id} is removed`).join('\n'))
          return undefined
        },
      ),
  })
}

function renderChannels({ host, output }: ConnectedRun, channels: readonly AlertChannel[]): string {
  if (channels.length === 0) return 'No channels: nobody is told of alerts. Make one: tasklane alerts channels create'
  const nowMs = host.nowMs()
  return output.table(channels, [
    { title: 'channel', text: channel => channel.channel_id },
    { title: 'name', text: channel => channel.name },
    {
      title: 'state',
      text: channel => (channel.enabled ? 'enabled' : 'disabled'),
      style: (text, channel) => output.paint(channel.enabled ? 'green' : 'yellow', text),
    },
    { title: 'of', text: channel => channel.severities.join(',') },
    { title: 'reminded', text: remindText },
    { title: 'signed', text: channel => (channel.signed ? 'yes' : 'no') },
    { title: 'waiting', text: channel => String(channel.undelivered), align: 'right' },
    { title: 'sent', text: channel => formatAge(channel.last_sent_at, nowMs) },
    { title: 'failed', text: channel => formatAge(channel.last_failed_at, nowMs) },
    { title: 'address', text: channel => channel.url, shrinks: true },
  ])
}

const settingOptions: readonly OptionSpec[] = [
  { flags: '--severity <severities>', help: `${alertSeverities.join(', ')} (default both)`, isRepeated: true },
  {
    flags: '--remind <time>',
    help: 'tell again of what goes on firing, after so long each time: 30m, 4h, 1d, or never (the default)',
  },
]

function readSettings(input: Arguments): Pick<AlertChannelDraft, 'severities' | 'remind_every_s'> {
  const severities = input.list('--severity', (subject, text) => readChoice(subject, text, alertSeverities))
  const remind = input.flag('--remind', readRemind)
  return {
    ...(severities.length === 0 ? {} : { severities }),
    ...(remind === null ? {} : { remind_every_s: remind === 'never' ? null : remind }),
  }
}

function readRemind(subject: string, text: string): Reading<number | 'never'> {
  if (text.trim() === 'never') return { value: 'never' }
  const bounds = { min: limits.alertRemindSecondsMin, max: limits.alertRemindSecondsMax }
  const seconds = readSeconds(subject, text, bounds)
  if ('fault' in seconds || Number.isInteger(seconds.value)) return seconds
  return { fault: `${subject} takes whole seconds, not '${text}'.` }
}

function readUrl(subject: string, text: string): Reading<string> {
  return readText(subject, text, limits.channelUrlCharsMax)
}

/** `warning and critical, and again every 4h 00m while they fire` */
function inWords(channel: AlertChannel): string {
  const every = remindText(channel)
  return `${channel.severities.join(' and ')}${every === '-' ? '' : `, and again ${every} while it fires`}`
}

function remindText({ remind_every_s }: AlertChannel): string {
  // A scheduler of an earlier version says nothing of it.
  const seconds = remind_every_s ?? null
  return seconds === null ? '-' : `every ${formatDuration(seconds * 1_000)}`
}

function readChannelId(subject: string, text: string): Reading<string> {
  if (/^[A-Za-z0-9-]{1,128}$/.test(text)) return { value: text }
  return { fault: `${subject} takes the id of a channel (\`tasklane alerts channels\` shows them), not '${text}'.` }
}
