import { type Role, roles, type User } from '@tasklane/protocol'
import type { SchedulerClient } from '../connection.ts'
import { exitCodes } from '../exit-codes.ts'
import { CommandFailure } from '../faults.ts'
import type { Arguments } from '../input/arguments.ts'
import { makePassword, withPrompt } from '../input/prompt.ts'
import { readAccountName, readChoice } from '../input/values.ts'
import { formatAge } from '../output/quantities.ts'
import {
  type ConnectedRun,
  connectionOptions,
  createCommand,
  createGroup,
  type OptionSpec,
  type Session,
} from './command.ts'
import { createResetAdminCommand } from './reset-admin.ts'

export function createUsersCommand(session: Session) {
  return createGroup('users', 'who may log in, and as what', [
    createListCommand(session),
    createCreateCommand(session),
    createSwitchCommand(session, {
      name: 'disable',
      summary: 'end the sessions of users and let them in no more',
      isOff: true,
    }),
    createSwitchCommand(session, { name: 'enable', summary: 'let disabled users in again', isOff: false }),
    createRoleCommand(session),
    createPasswordCommand(session),
    createResetAdminCommand(session),
  ])
}

const generateOption: OptionSpec = { flags: '--generate', help: 'make a password by chance, and print it once' }

const passwordNotes =
  'The password is asked for, or read from stdin as a line; never from the command line, which others can see.'

const readRole = (subject: string, text: string) => readChoice(subject, text, roles)

function createListCommand(session: Session) {
  return createCommand(session, {
    usage: 'list',
    summary: 'list users',
    options: connectionOptions,
    examples: [['tasklane users list', '']],
    run: run =>
      run.connected(
        () => undefined,
        async client => {
          const users = await client.accounts.users()
          run.output.document({ users }, () => renderUsers(run, users))
          return undefined
        },
      ),
  })
}

function createCreateCommand(session: Session) {
  return createCommand(session, {
    usage: 'create <name>',
    summary: 'create a user',
    options: [
      { flags: '--role <role>', help: `${roles.join(', ')} (default viewer)` },
      generateOption,
      ...connectionOptions,
    ],
    notes: passwordNotes,
    examples: [
      ['tasklane users create ada --role operator', 'asks for the password'],
      ['tasklane users create bob --role submitter --generate', 'prints one'],
    ],
    run: run =>
      run.connected(
        input => ({
          name: readUser(input),
          role: input.flag('--role', readRole) ?? 'viewer',
          isGenerated: input.isSet('--generate'),
        }),
        async (client, { name, role, isGenerated }) => {
          const password = await newPassword(run, isGenerated)
          const user = await client.accounts.createUser({ name, password, role })
          tellUser(run, user, `${name} may log in as ${role}.`, isGenerated ? password : null)
          return undefined
        },
      ),
  })
}

function createSwitchCommand(
  session: Session,
  { name, summary, isOff }: { readonly name: string; readonly summary: string; readonly isOff: boolean },
) {
  return createCommand(session, {
    usage: `${name} <user...>`,
    summary,
    options: connectionOptions,
    examples: [[`tasklane users ${name} bob`, '']],
    run: run =>
      run.connected(
        input => input.operands('USER', readAccountName),
        async (client, names) => {
          const users: User[] = []
          for (const each of names) users.push(await client.accounts.changeUser(each, { disabled: isOff }))
          run.output.document(users.length === 1 ? users[0] : { users }, () =>
            users.map(user => `${user.name} is ${user.disabled ? 'disabled' : 'enabled'}`).join('\n'),
          )
          return undefined
        },
      ),
  })
}

function createRoleCommand(session: Session) {
  return createCommand(session, {
    usage: 'role <name> <role>',
    summary: 'give a user another role, which ends the sessions it has',
    options: connectionOptions,
    notes: describeRoles(),
    examples: [['tasklane users role bob operator', '']],
    run: run =>
      run.connected(
        input => ({ name: readUser(input), role: input.operand(1, 'ROLE', readRole) ?? 'viewer' }),
        async (client, { name, role }) => {
          const user = await client.accounts.changeUser(name, { role })
          tellUser(run, user, `${name} is ${role} now.`, null)
          return undefined
        },
      ),
  })
}

function createPasswordCommand(session: Session) {
  return createCommand(session, {
    usage: 'password [name]',
    summary: "change one's own password, or that of another user",
    options: [generateOption, ...connectionOptions],
    notes: `${passwordNotes}\nWithout a name it is your own, and the present one is asked for first. All sessions of the user end.`,
    examples: [
      ['tasklane users password', 'your own'],
      ['tasklane users password bob --generate', "another user's, as an admin"],
    ],
    run: run =>
      run.connected(
        input => ({ name: input.operand(0, 'NAME', readAccountName), isGenerated: input.isSet('--generate') }),
        async (client, { name, isGenerated }) => {
          if (name === null) await changeOwn(run, client, isGenerated)
          else {
            const password = await newPassword(run, isGenerated)
            const user = await client.accounts.changeUser(name, { password })
            tellUser(run, user, `${name} has a new password, and no sessions.`, isGenerated ? password : null)
          }
          return exitCodes.ok
        },
      ),
  })
}

async function changeOwn(run: ConnectedRun, client: SchedulerClient, isGenerated: boolean): Promise<void> {
  const me = await client.accounts.me()
  if (me.kind !== 'user') {
    const who = me.kind === 'open' ? 'Nobody has to log in here' : `${me.name} is a token, which has no password`
    throw new CommandFailure(exitCodes.usage, 'no_user', `${who}; name the user: tasklane users password NAME`)
  }
  const { current, next } = await withPrompt(run.host, async prompt => ({
    current: await prompt.secret('Present password'),
    next: isGenerated ? makePassword() : await prompt.newSecret('New password'),
  }))
  await client.accounts.changeOwnPassword(current, next)
  const shown = isGenerated ? { password: next } : {}
  run.output.document({ name: me.name, changed: true, ...shown }, () =>
    isGenerated ? next : 'The password is changed.',
  )
  run.output.note('All sessions have ended; log in again: tasklane login')
}

async function newPassword(run: Pick<ConnectedRun, 'host'>, isGenerated: boolean): Promise<string> {
  return isGenerated ? makePassword() : withPrompt(run.host, prompt => prompt.newSecret('New password'))
}

/** A password that was made is the data; what it is for is said beside it. */
function tellUser({ output }: ConnectedRun, user: User, sentence: string, password: string | null): void {
  output.document(password === null ? user : { ...user, password }, () => password ?? sentence)
  if (password !== null) output.note(`${sentence} The password above is shown this once.`)
}

function readUser(input: Arguments): string {
  // Commander has seen to it that it is there.
  return input.operand(0, 'NAME', readAccountName) ?? ''
}

function renderUsers({ host, output }: ConnectedRun, users: readonly User[]): string {
  const nowMs = host.nowMs()
  return output.table(users, [
    { title: 'user', text: user => user.name },
    { title: 'role', text: user => user.role },
    {
      title: 'state',
      text: user => (user.disabled ? 'disabled' : 'enabled'),
      style: (text, user) => output.paint(user.disabled ? 'yellow' : 'green', text),
    },
    { title: 'created', text: user => formatAge(user.created_at, nowMs) },
    { title: 'changed', text: user => formatAge(user.changed_at, nowMs) },
  ])
}

const roleMeanings: Readonly<Record<Role, string>> = {
  viewer: 'reads everything, changes nothing',
  submitter: 'submits tasks, and sees and moves these only',
  operator: 'all with tasks, queues and workers',
  worker: 'the protocol of workers, and nothing else',
  admin: 'everything, users and tokens included',
}

export function describeRoles(): string {
  return roles.map(role => `${role.padEnd(11)}${roleMeanings[role]}`).join('\n')
}
