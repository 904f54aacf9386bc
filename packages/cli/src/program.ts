import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { suggest } from './closest.ts'
import { createAlertsCommand } from './commands/alerts.ts'
import { createAuditCommand } from './commands/audit.ts'
import { createSession, nameWithParents, type Session } from './commands/command.ts'
import { addCompletion } from './commands/completion.ts'
import { createDemoCommand } from './commands/demo.ts'
import { createDevCommand } from './commands/dev.ts'
import { createGenerateCommand } from './commands/generate.ts'
import { createLoginCommand, createLogoutCommand, createWhoamiCommand } from './commands/login.ts'
import { createMigrateCommand } from './commands/migrate.ts'
import { createMigrateStoreCommand } from './commands/migrate-store.ts'
import { createQueuesCommand } from './commands/queues.ts'
import { createServeCommand } from './commands/serve.ts'
import { createStatsCommand } from './commands/stats.ts'
import { createSubmitCommand } from './commands/submit.ts'
import { createTasksCommand } from './commands/tasks.ts'
import { createTokensCommand } from './commands/tokens.ts'
import { createUsersCommand } from './commands/users.ts'
import { createWorkerCommand } from './commands/worker.ts'
import { createWorkersCommand } from './commands/workers.ts'
import { type ExitCode, exitCodeMeanings, exitCodes } from './exit-codes.ts'
import { describeFailure, type Failure } from './faults.ts'
import type { Host } from './host.ts'
import { createPaint } from './output/colours.ts'
import { visibleText } from './output/text-width.ts'

/**
 * Runs one command line and returns how the process is to end. Never throws: what goes wrong is said on stderr, as
 * sentences or, with `--json`, as one object `{error: {code, messages, exit_code, request_id?}}`.
 * @param words the command line without the program's own name
 */
export async function runCommandLine(words: readonly string[], host: Host): Promise<ExitCode> {
  const session = createSession(host, words.includes('--json'))
  // What commander would have written to stderr: a help, or a sentence that is said in our own way.
  const printed: string[] = []
  const program = createProgram(session, text => void printed.push(text))
  try {
    await program.parseAsync([...words], { from: 'user' })
    return session.exitCode
  } catch (error) {
    if (error instanceof CommanderError) return endOfParsing(error, { session, printed, program, words })
    const failure = describeFailure(error)
    reportFailure(failure, session)
    return failure.exitCode
  }
}

export function createProgram(session: Session, writeErr: (text: string) => void): Command {
  const program = new Command('tasklane')
    .description('Takes tasks, hands them to workers in the right order, and sees each of them to its end.')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', `\n${describeEnvironment()}\n\n${describeExitCodes()}\n\n${firstSteps}`)
  const groups = [
    ['Run', [createServeCommand, createWorkerCommand, createDevCommand, createDemoCommand]],
    ['Use', [createSubmitCommand, createTasksCommand, createGenerateCommand]],
    [
      'Operate',
      [
        createWorkersCommand,
        createQueuesCommand,
        createAlertsCommand,
        createStatsCommand,
        createMigrateCommand,
        createMigrateStoreCommand,
      ],
    ],
    [
      'Come in',
      [
        createLoginCommand,
        createLogoutCommand,
        createWhoamiCommand,
        createUsersCommand,
        createTokensCommand,
        createAuditCommand,
      ],
    ],
  ] as const
  for (const [heading, makers] of groups) {
    program.commandsGroup(`${heading}:`)
    for (const make of makers) program.addCommand(make(session))
  }
  program.commandsGroup('Shell:')
  addCompletion(program, session)
  configure(program, session, writeErr)
  return program
}

/** The same manners for every command: nothing ends the process, and all text leaves through the host. */
function configure(command: Command, session: Session, writeErr: (text: string) => void): void {
  const { host } = session
  command.exitOverride(error => {
    session.commandLine = nameWithParents(command)
    throw error
  })
  command.showSuggestionAfterError(true)
  command.configureOutput({
    writeOut: text => void host.stdout.write(text),
    writeErr,
    getOutHelpWidth: () => (host.stdout.isTTY === true ? (host.stdout.columns ?? 80) : 100),
    getErrHelpWidth: () => 100,
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  })
  for (const child of command.commands) configure(child, session, writeErr)
}

interface Parsing {
  readonly session: Session
  /** What commander would have written to stderr. */
  readonly printed: readonly string[]
  readonly program: Command
  readonly words: readonly string[]
}

function endOfParsing(error: CommanderError, { session, printed, program, words }: Parsing): ExitCode {
  // Help and version were asked for and have been printed.
  if (error.exitCode === 0) return exitCodes.ok
  const refuse = (message: string): ExitCode => {
    reportFailure({ exitCode: exitCodes.usage, code: 'usage', messages: [message] }, session)
    return exitCodes.usage
  }
  if (error.code === 'commander.help') {
    const [verb, name] = words
    if (verb === 'help' && name !== undefined) {
      const names = program.commands.map(command => command.name())
      return refuse(`Unknown command '${name}'.${suggest(name, names)}`)
    }
    if (!session.isJson) session.host.stderr.write(`${printed.join('')}\n`)
    return refuse('A command is missing; the help above lists them.')
  }
  if (error.code === 'commander.optionMissingArgument') {
    const option = /'(.+)'/.exec(error.message)?.[1] ?? ''
    return refuse(`Option ${option} is given without its value.`)
  }
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
  const sentence = `${first.charAt(0).toUpperCase()}${first.slice(1)}.`
  const hint = rest.map(line => line.replace(/^\((.*)\)$/, '$1')).join(' ')
  return refuse(`${sentence}${hint === '' ? '' : ` ${hint}`}`)
}

/** Says on stderr what went wrong, for people or, where JSON was asked for, for programs. */
export function reportFailure(failure: Failure, session: Session): void {
  const { host } = session
  const paint = createPaint(host.stderr, host.env)
  if (session.isJson) {
    const { exitCode, code, messages, requestId, stack } = failure
    const error = {
      code,
      messages,
      exit_code: exitCode,
      ...(requestId === undefined ? {} : { request_id: requestId }),
      ...(stack === undefined ? {} : { stack }),
    }
    host.stderr.write(`${JSON.stringify({ error })}\n`)
    return
  }
  for (const message of failure.messages) {
    host.stderr.write(`${paint('red', 'tasklane:')} ${visibleText(message, { keepLines: true })}\n`)
  }
  if (failure.requestId !== undefined) host.stderr.write(`${paint('dim', `request id ${failure.requestId}`)}\n`)
  if (failure.stack !== undefined) host.stderr.write(`${paint('dim', failure.stack)}\n`)
  if (failure.code === 'usage') host.stderr.write(`${paint('dim', `See: ${session.commandLine} --help`)}\n`)
}

const firstSteps = `First steps:
  $ tasklane dev                                      a scheduler and three workers
  $ tasklane submit add '{"x":1,"y":2}' --wait        prints 3
  $ tasklane workers start 5                          workers that stay, for a running scheduler
  $ tasklane demo                                     a real job over several processes`

function describeEnvironment(): string {
  return `Environment:
  TASKLANE_URL     address of the scheduler, or several with commas (--url)
  TASKLANE_TOKEN   sent as bearer token where it is set, else that of 'tasklane login'
  NO_COLOR         no colours; FORCE_COLOR colours without a terminal
  API_HOST         and API_PORT: where serve listens, and, without TASKLANE_URL, where it is found
  The scheduler's other variables (DATABASE_URL, SECRET_KEY, …) are read by serve, dev and migrate;
  WORKER_ID, HEARTBEAT_INTERVAL, LOG_LEVEL and MAX_WORKERS by worker and workers start.`
}

function describeExitCodes(): string {
  return `Exit codes:\n${exitCodeMeanings.map(([code, meaning]) => `  ${String(code).padEnd(5)}${meaning}`).join('\n')}`
}

/** From the package itself, so that there is one place to change it. */
function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const { version }: { version?: unknown } = JSON.parse(text)
  return typeof version === 'string' ? version : 'unknown'
}
