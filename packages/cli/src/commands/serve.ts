import { exitCodes } from '../exit-codes.ts'
import { Interruption } from '../host.ts'
import { startSchedulerHere } from '../scheduler-process.ts'
import { type CommandRun, createCommand, jsonOption, type Session } from './command.ts'
import { exitCodeOfSignal, untilAborted } from './stopping.ts'

export function createServeCommand(session: Session) {
  return createCommand(session, {
    usage: 'serve',
    summary: 'run a scheduler',
    options: [
      { flags: '--host <address>', help: 'the address to listen on (API_HOST; default 127.0.0.1)' },
      { flags: '--port <n>', help: 'the port, 0 for any free one (API_PORT; default 8000)' },
      { flags: '--data <file>', help: 'the SQLite file (default ./tasklane.db unless DATABASE_URL is set)' },
      jsonOption,
    ],
    notes: [
      'The first line on stdout is the address it got. The log goes to stderr, as JSON lines or, on a terminal, for people.',
      'SIGTERM and Ctrl-C stop it in order: no new claims, open requests answered, everything committed.',
    ].join('\n'),
    examples: [
      ['tasklane serve', 'http://127.0.0.1:8000, tasks in ./tasklane.db'],
      ['tasklane serve --port 0 --data /tmp/a.db --json', 'any free port, told as {"url": …}'],
    ],
    run: async run => {
      const flags = readFlags(run)
      const { host, output } = run
      host.setTitle('tasklane scheduler')
      const interrupts = host.interrupts.listen(name => host.exit(exitCodeOfSignal(name)))
      try {
        const scheduler = await startSchedulerHere(host.env, flags)
        output.document({ url: scheduler.url }, () => `Tasklane is listening on ${scheduler.url}`)
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

function readFlags(run: CommandRun) {
  // Their meaning is the scheduler's, which judges them together with the environment.
  const asText = (_subject: string, text: string) => ({ value: text })
  return run.read(input => {
    const host = input.flag('--host', asText)
    const port = input.flag('--port', asText)
    const data = input.flag('--data', asText)
    return {
      ...(host === null ? {} : { host }),
      ...(port === null ? {} : { port }),
      ...(data === null ? {} : { data }),
    }
  })
}
