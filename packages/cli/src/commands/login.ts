import { exitCodes } from '../exit-codes.ts'
import { withPrompt } from '../input/prompt.ts'
import { readAccountName } from '../input/values.ts'
import { forgetLogin, saveLogin } from '../logins.ts'
import { formatAge } from '../output/quantities.ts'
import { renderFacts } from '../output/table.ts'
import { type ConnectedRun, connectionOptions, createCommand, type Session } from './command.ts'

export function createLoginCommand(session: Session) {
  return createCommand(session, {
    usage: 'login',
    summary: 'log in to a scheduler, for the commands that follow',
    options: [{ flags: '--user <name>', help: 'who logs in (asked for if absent)' }, ...connectionOptions],
    notes: [
      'The password is asked for, or read from stdin as a line; never from the command line, which others can see. What is kept',
      'is a token that runs out by itself, in a file that you alone can read. For programs: `tasklane tokens create`.',
    ].join('\n'),
    examples: [
      ['tasklane login --user ada --url https://tasks.example', ''],
      ['pass show tasklane | tasklane login --user ada', 'the password from another program'],
    ],
    run: async run =>
      run.connected(
        input => input.flag('--user', readAccountName),
        async (client, user, { urls }) => {
          const url = urls[0] ?? ''
          warnOfPlainHttp(run, url)
          const { name, password } = await withPrompt(run.host, async prompt => ({
            name: user ?? (await prompt.text('User')),
            password: await prompt.secret('Password'),
          }))
          const { access_token: token, expires_in } = await client.accounts.login(name, password)
          const expires_at = new Date(run.host.nowMs() + expires_in * 1_000).toISOString()
          const files = urls.map(each => saveLogin(run.host.env, each, { token, name, expires_at }))
          run.output.document(
            { url, name, expires_at, file: files[0] },
            () => `${name} is logged in at ${url}; the login ends ${formatAge(expires_at, run.host.nowMs())}.`,
          )
          if ((run.host.env.TASKLANE_TOKEN ?? '') !== '') {
            run.output.warn('TASKLANE_TOKEN is set and stands before this login; unset it to use the login.')
          }
          return undefined
        },
      ),
  })
}

/** To this machine nobody listens in; anywhere else a password goes through who knows whose network. */
function warnOfPlainHttp({ output }: ConnectedRun, url: string): void {
  const { protocol, hostname } = new URL(url)
  if (protocol === 'https:' || hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')) return
  output.warn(`${url} is plain HTTP: whoever is on the way can read the password. Use https.`)
}

export function createLogoutCommand(session: Session) {
  return createCommand(session, {
    usage: 'logout',
    summary: 'end the login, here and at the scheduler',
    options: [
      { flags: '--everywhere', help: 'end all sessions of this user, also those of other machines' },
      ...connectionOptions,
    ],
    examples: [['tasklane logout', '']],
    run: async run =>
      run.connected(
        input => input.isSet('--everywhere'),
        async (client, everywhere, { urls, login }) => {
          if (login !== undefined) await client.accounts.logout({ everywhere })
          else if (everywhere) run.output.warn('Nobody is logged in here, so no other session was ended.')
          const forgotten = urls.filter(url => forgetLogin(run.host.env, url))
          const wasLoggedIn = forgotten.length > 0
          run.output.document({ logged_out: wasLoggedIn }, () =>
            wasLoggedIn ? `Logged out of ${urls.join(', ')}.` : `Nobody is logged in at ${urls.join(', ')}.`,
          )
          return exitCodes.ok
        },
      ),
  })
}

export function createWhoamiCommand(session: Session) {
  return createCommand(session, {
    usage: 'whoami',
    summary: 'show who the scheduler takes you for, and what you may do',
    options: connectionOptions,
    examples: [['tasklane whoami --json', '']],
    run: async run =>
      run.connected(
        () => undefined,
        async client => {
          const me = await client.accounts.me()
          run.output.document(me, () => {
            const limits = (names: readonly string[] | null) => (names === null ? 'all' : names.join(', '))
            const isToken = me.kind === 'token'
            const facts: (readonly [string, string])[] = [
              ['name', me.name ?? 'nobody has to say'],
              ['role', me.role],
              ['login', me.auth],
              ...(isToken
                ? ([
                    ['queues', limits(me.queues)],
                    ['types', limits(me.types)],
                  ] as const)
                : []),
              ['ends', me.expires_at === null ? 'never' : formatAge(me.expires_at, run.host.nowMs())],
              ['may', me.may.join(', ')],
            ]
            return renderFacts(facts, run.output.paint)
          })
          return undefined
        },
      ),
  })
}
