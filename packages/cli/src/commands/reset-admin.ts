import { exitCodes } from '../exit-codes.ts'
import { makePassword, withPrompt } from '../input/prompt.ts'
import { readAccountName } from '../input/values.ts'
import { findStoreFaults, resetAdminHere } from '../scheduler-process.ts'
import { createCommand, jsonOption, type OptionSpec, type Session } from './command.ts'

const generateOption: OptionSpec = { flags: '--generate', help: 'make a password by chance, and print it once' }

/** The way back in for an operator whom nobody can let in any more: whoever can write the database is admin anyway. */
export function createResetAdminCommand(session: Session) {
  return createCommand(session, {
    usage: 'reset-admin',
    summary: 'give an admin a new password in the database itself, without logging in',
    options: [
      { flags: '--data <file>', help: 'the SQLite file (default ./tasklane.db unless DATABASE_URL is set)' },
      { flags: '--database <address>', help: 'postgresql://… (DATABASE_URL)' },
      { flags: '--user <name>', help: 'who becomes admin; made where there is none of this name (default admin)' },
      generateOption,
      jsonOption,
    ],
    notes: [
      'All sessions of the user end, and a disabled one is enabled. Nodes on PostgreSQL may run meanwhile; the scheduler of a',
      'SQLite file has to be stopped first. An address on the command line can be read by others on this machine; DATABASE_URL cannot.',
    ].join('\n'),
    examples: [
      ['tasklane users reset-admin --data tasklane.db --generate', 'prints the new password'],
      ['DATABASE_URL=postgresql://me@db.example/tasks tasklane users reset-admin', 'asks for it'],
    ],
    readsEnvFile: true,
    run: async run => {
      const { host, output } = run
      const { place, user, isGenerated } = await run.read(async input => {
        const asText = (_subject: string, text: string) => ({ value: text })
        const data = input.flag('--data', asText)
        const database = input.flag('--database', asText)
        if (data !== null && database !== null) input.fault('--data and --database are two stores; name one.')
        const place = {
          env: database === null ? host.env : { ...host.env, DATABASE_URL: database },
          flags: data === null ? {} : { data },
        }
        for (const fault of await findStoreFaults(place.env, place.flags)) input.fault(fault)
        return {
          place,
          user: input.flag('--user', readAccountName) ?? 'admin',
          isGenerated: input.isSet('--generate'),
        }
      })
      const password = isGenerated
        ? makePassword()
        : await withPrompt(host, prompt => prompt.newSecret(`New password of ${user}`))
      const { wasThere } = await resetAdminHere(place, { name: user, password })
      const sentence = wasThere
        ? `${user} is admin, with a new password and no sessions.`
        : `${user} did not exist, and is admin now.`
      const shown = isGenerated ? { password } : {}
      output.document({ name: user, existed: wasThere, ...shown }, () => (isGenerated ? password : sentence))
      if (isGenerated) output.note(`${sentence} The password above is shown this once.`)
      return exitCodes.ok
    },
  })
}
