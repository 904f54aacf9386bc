import { exitCodes } from '../exit-codes.ts'
import { Interruption } from '../host.ts'
import { renderBox } from '../output/box.ts'
import { startSchedulerHere } from '../scheduler-process.ts'
import { createCommand, jsonOption, type Session } from './command.ts'
import { readSchedulerFlags, schedulerOptions } from './scheduler-flags.ts'
import { exitCodeOfSignal, untilAborted } from './stopping.ts'

export function createServeCommand(session: Session) {
  return createCommand(session, {
    usage: 'serve',
    summary: 'run a scheduler',
    options: [...schedulerOptions, jsonOption],
    notes: [
      'The first line on stdout is the address it got. The log goes to stderr, as JSON lines or, on a terminal, for people.',
      'SIGTERM and Ctrl-C stop it in order: no new claims, open requests answered, everything committed.',
    ].join('\n'),
    examples: [
      ['tasklane serve', 'http://127.0.0.1:8000, tasks in ./tasklane.db'],
      ['tasklane serve --port 0 --data /tmp/a.db --json', 'any free port, told as {"url": …}'],
    ],
    readsEnvFile: true,
    run: async run => {
      const { host, output } = run
      const flags = await run.read(input => readSchedulerFlags(input, host.env))
      host.setTitle('tasklane scheduler')
      const interrupts = host.interrupts.listen(name => host.exit(exitCodeOfSignal(name)))
      try {
        const scheduler = await startSchedulerHere(host.env, flags)
        // The address alone, so that a program can start this and read where it is; the sentence is for people.
        const { url, firstAdmin } = scheduler
        output.document({ url, ...(firstAdmin === null ? {} : { first_admin: firstAdmin }) }, () => url)
        output.note(`Tasklane is listening on ${scheduler.url}; its API is described at ${scheduler.url}/docs.`)
        if (scheduler.isOpen) output.note('Nobody has to log in: whoever can reach it may do everything.')
        if (firstAdmin !== null) output.note(renderBox(describeFirstAdmin(firstAdmin)))
        if (scheduler.isFirstPasswordDue) output.note(firstPasswordDue)
        await untilAborted(interrupts.signal)
        await scheduler.stop()
        return exitCodes.ok
      } catch (error) {
        if (error instanceof Interruption) return exitCodeOfSignal(error.signalName)
        throw error
      } finally {
        interrupts.release()
      }
    },
  })
}

const firstPasswordDue =
  'Nobody is set up yet but admin, with the password that its first start printed. Where that is lost, stop the scheduler: ' +
  '`tasklane users reset-admin` makes a new one.'

function describeFirstAdmin({
  name,
  password,
}: {
  readonly name: string
  readonly password: string
}): readonly string[] {
  return [
    'The first user was made; this is shown once:',
    '',
    `  name      ${name}`,
    `  password  ${password}`,
    '',
    'Come in with it in the browser, which then asks for a user of your own, or with `tasklane login`.',
  ]
}
