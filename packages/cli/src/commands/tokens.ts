import { limits, type NewServiceToken, roles, type ServiceToken } from '@tasklane/protocol'
import { type Reading, readAccountName, readChoice, readName, readSeconds } from '../input/values.ts'
import { formatAge } from '../output/quantities.ts'
import { type ConnectedRun, connectionOptions, createCommand, createGroup, type Session } from './command.ts'
import { describeRoles } from './users.ts'

/** Tokens for workers and programs: they belong to nobody who could leave, and say what they are for. */
export function createTokensCommand(session: Session) {
  return createGroup('tokens', 'service tokens of workers and programs', [
    createCreateCommand(session),
    createListCommand(session),
    createRevokeCommand(session),
  ])
}

function createCreateCommand(session: Session) {
  return createCommand(session, {
    usage: 'create [name]',
    summary: 'create a token and print it, this once',
    options: [
      { flags: '--role <role>', help: `${roles.join(', ')} (default worker)` },
      { flags: '--queues <names>', help: 'for these queues only (default all)', isRepeated: true },
      { flags: '--types <names>', help: 'for these task types only (default all)', isRepeated: true },
      { flags: '--expires <time>', help: 'how long it lasts: 12h, 90d, or never (the default)' },
      ...connectionOptions,
    ],
    notes: `${describeRoles()}\n\nOf the secret only a digest is kept: whoever has lost it makes another.`,
    examples: [
      ['TASKLANE_TOKEN=$(tasklane tokens create --role worker) tasklane worker', ''],
      ['tasklane tokens create mailer --role worker --queues mail --types send --expires 90d', ''],
    ],
    run: run =>
      run.connected(
        input => {
          const role = input.flag('--role', (subject, text) => readChoice(subject, text, roles)) ?? 'worker'
          const queues = input.list('--queues', readName)
          const types = input.list('--types', readName)
          return {
            name: input.operand(0, 'NAME', readAccountName) ?? `${role}-${stampOf(run.host.nowMs())}`,
            role,
            ...(queues.length === 0 ? {} : { queues }),
            ...(types.length === 0 ? {} : { types }),
            expires_in: input.flag('--expires', readLasting),
          }
        },
        async (client, draft) => {
          const made = await client.accounts.createToken(draft)
          run.output.document(made, () => made.token)
          run.output.note(describeNew(made))
          return undefined
        },
      ),
  })
}

function describeNew(token: NewServiceToken): string {
  const only = [
    token.queues === null ? '' : ` for ${token.queues.length === 1 ? 'queue' : 'queues'} ${token.queues.join(', ')}`,
    token.types === null ? '' : ` of ${token.types.length === 1 ? 'type' : 'types'} ${token.types.join(', ')}`,
  ].join('')
  const end = token.expires_at === null ? 'It does not expire' : `It ends at ${token.expires_at}`
  return `Token ${token.name}, ${token.role}${only}. ${end}; it is shown this once. Workers and clients read it from TASKLANE_TOKEN.`
}

function createListCommand(session: Session) {
  return createCommand(session, {
    usage: 'list',
    summary: 'list tokens, without their secrets',
    options: [{ flags: '--all', help: 'revoked and expired ones, too' }, ...connectionOptions],
    examples: [['tasklane tokens list', 'what each is for, and when it was last used']],
    run: run =>
      run.connected(
        input => input.isSet('--all'),
        async (client, isAll) => {
          const tokens = (await client.accounts.tokens()).filter(token => isAll || token.status === 'active')
          run.output.document({ tokens }, () => renderTokens(run, tokens))
          return undefined
        },
      ),
  })
}

function createRevokeCommand(session: Session) {
  return createCommand(session, {
    usage: 'revoke <token...>',
    summary: 'revoke tokens, by name or id; they are refused from now on',
    options: connectionOptions,
    examples: [['tasklane tokens revoke mailer', '']],
    run: run =>
      run.connected(
        input => input.operands('TOKEN', readAccountName),
        async (client, names) => {
          for (const name of names) await client.accounts.revokeToken(name)
          run.output.document({ revoked: names }, () => names.map(name => `${name} is revoked`).join('\n'))
          return undefined
        },
      ),
  })
}

function renderTokens({ host, output }: ConnectedRun, tokens: readonly ServiceToken[]): string {
  if (tokens.length === 0) return 'No tokens. Make one: tasklane tokens create --role worker'
  const nowMs = host.nowMs()
  const all = (names: readonly string[] | null) => names?.join(',') ?? 'all'
  return output.table(tokens, [
    { title: 'token', text: token => token.name },
    { title: 'role', text: token => token.role },
    {
      title: 'state',
      text: token => token.status,
      style: (text, token) => output.paint(token.status === 'active' ? 'green' : 'yellow', text),
    },
    { title: 'queues', text: token => all(token.queues) },
    { title: 'types', text: token => all(token.types), shrinks: true },
    { title: 'used', text: token => formatAge(token.last_used_at, nowMs) },
    { title: 'ends', text: token => (token.expires_at === null ? 'never' : formatAge(token.expires_at, nowMs)) },
    { title: 'by', text: token => token.created_by ?? '-' },
  ])
}

function readLasting(subject: string, text: string): Reading<number | null> {
  return text === 'never' ? { value: null } : readSeconds(subject, text, { min: 1, max: limits.delaySecondsMax })
}

/** Tells one token of a role from the next: `20300131-093000`. */
function stampOf(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')
}
