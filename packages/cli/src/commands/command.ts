import { Command } from 'commander'
import { type ClientOptions, defaultAddress, type SchedulerClient } from '../connection.ts'
import { readEnvFile } from '../env-file.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Host } from '../host.ts'
import { type Arguments, readArguments } from '../input/arguments.ts'
import { readPath } from '../input/values.ts'
import { createOutput, type Output } from '../output/output.ts'
import { wrapParagraphs } from '../output/paragraphs.ts'
import { readConnection } from '../read-connection.ts'

/** Where the commands leave how the process shall end. */
export interface Session {
  readonly host: Host
  exitCode: ExitCode
  /** Whether the command that ran, or failed to, was asked for JSON. */
  isJson: boolean
  /** The command that ran, or failed to, with those above it: `tasklane tasks get`. */
  commandLine: string
}

export function createSession(host: Host, isJson: boolean): Session {
  return { host, exitCode: exitCodes.ok, isJson, commandLine: 'tasklane' }
}

/** What the body of a command works with. */
export interface CommandRun {
  readonly host: Host
  readonly output: Output
  /** Reads and checks the whole command line; call it once, before anything is done. */
  read<Result>(read: (input: Arguments) => Result | Promise<Result>): Promise<Result>
}

/** A run of a command that talks to a scheduler; the client is closed when the body ends. */
export interface ConnectedRun extends CommandRun {
  connected<Result>(
    read: (input: Arguments) => Result | Promise<Result>,
    use: (client: SchedulerClient, values: Result, connection: ClientOptions) => Promise<ExitCode | undefined>,
  ): Promise<ExitCode | undefined>
}

export interface CommandSpec {
  /** Name and operands, as commander has them: `submit <type> [json]`. */
  readonly usage: string
  readonly summary: string
  /** Flag, help, and the choices that a shell completes. */
  readonly options: readonly OptionSpec[]
  /** Command lines that work as they stand, with what they do. */
  readonly examples: readonly (readonly [line: string, does: string])[]
  readonly notes?: string
  /** The environment is read together with a file `.env`. For what runs here; what only calls a scheduler would send its token to wherever a file says. */
  readonly readsEnvFile?: boolean
  readonly run: (run: ConnectedRun) => Promise<ExitCode | undefined>
}

export interface OptionSpec {
  readonly flags: string
  readonly help: string
  readonly isRepeated?: boolean
  readonly isHidden?: boolean
}

export const jsonOption: OptionSpec = { flags: '--json', help: 'print JSON on stdout' }
export const urlOption: OptionSpec = {
  flags: '--url <address>',
  help: `the scheduler, or several with commas (TASKLANE_URL, or API_HOST and API_PORT; default ${defaultAddress})`,
}

const envFileOptions: readonly OptionSpec[] = [
  { flags: '--env-file <file>', help: 'read variables from this file (default .env, if there is one)' },
  { flags: '--no-env-file', help: 'read no such file' },
]

/** Options that every command which talks to a scheduler has. */
export const connectionOptions: readonly OptionSpec[] = [urlOption, jsonOption]

/** Builds commander's command from a spec. Values stay text until the body reads them, so that all faults are told at once. */
export function createCommand(session: Session, spec: CommandSpec): Command {
  const [name = '', ...operands] = spec.usage.split(' ')
  const command = new Command(name).description(spec.summary)
  for (const operand of operands) command.argument(operand)
  for (const option of spec.readsEnvFile === true ? [...spec.options, ...envFileOptions] : spec.options) {
    const made = command.createOption(option.flags, option.help)
    if (option.isHidden === true) made.hideHelp()
    if (option.isRepeated === true) made.argParser(collect)
    command.addOption(made)
  }
  command.allowUnknownOption().allowExcessArguments()
  command.addHelpText('after', () => helpTail(spec, command.configureOutput().getOutHelpWidth?.() ?? 100))
  command.action(async () => {
    session.isJson = command.opts().json === true
    session.commandLine = nameWithParents(command)
    const run = createRun(session, command, spec.readsEnvFile === true)
    session.exitCode = (await spec.run(run)) ?? exitCodes.ok
  })
  return command
}

/** `tasklane tasks get`: what a person types to reach the command. */
export function nameWithParents(command: Command): string {
  return command.parent === null ? command.name() : `${nameWithParents(command.parent)} ${command.name()}`
}

/** A command that only holds others. @param byItself which of them is meant where none is named */
export function createGroup(
  name: string,
  summary: string,
  commands: readonly Command[],
  byItself: string | null = null,
): Command {
  const group = new Command(name).description(summary)
  for (const command of commands) group.addCommand(command, { isDefault: command.name() === byItself })
  return group
}

function createRun(session: Session, command: Command, readsEnvFile: boolean): ConnectedRun {
  const { env, warnings } = readsEnvFile ? readEnvironment(session.host, command) : { ...session.host, warnings: [] }
  const host: Host = { ...session.host, env }
  const output = createOutput(host, session.isJson)
  for (const warning of warnings) output.warn(warning)
  const read: CommandRun['read'] = body => readArguments({ ...rawArguments(command), env: host.env }, body)
  return {
    host,
    output,
    read,
    async connected(body, use) {
      const { connection, values } = await read(async input => ({
        connection: readConnection(input, host),
        values: await body(input),
      }))
      const client = host.connect(connection)
      try {
        return await use(client, values, connection)
      } finally {
        await client.close()
      }
    },
  }
}

function readEnvironment({ env, cwd }: Host, command: Command) {
  const { envFile } = command.opts<{ readonly envFile?: string | false }>()
  return readEnvFile({ env, cwd, file: envFile ?? null })
}

/** For a process that this one starts: the same file, or none. */
export function envFileArgs(input: Arguments): readonly string[] {
  if (input.isSet('--no-env-file')) return ['--no-env-file']
  const file = input.flag('--env-file', readPath)
  return file === null ? [] : ['--env-file', file]
}

function rawArguments(command: Command) {
  const all = command.args
  const literal = literalTail(command)
  // Commander puts what it does not know, and everything after that, behind the operands.
  const firstUnknown = all.findIndex((word, at) => at < all.length - literal && isFlag(word))
  const known = firstUnknown === -1 ? all : all.slice(0, firstUnknown)
  const rest = firstUnknown === -1 ? [] : all.slice(firstUnknown)
  return {
    operands: known,
    options: command.opts<Record<string, unknown>>(),
    unknownFlags: rest.filter(isFlag).map(word => word.split('=', 1)[0] ?? word),
    knownFlags: command.options.flatMap(option => (option.long === undefined ? [] : [option.long])),
    operandsMax: command.registeredArguments.some(argument => argument.variadic)
      ? Number.POSITIVE_INFINITY
      : command.registeredArguments.length,
  }
}

/** How many words follow a `--`, which makes operands of them whatever they begin with. */
function literalTail(command: Command): number {
  let root = command
  while (root.parent !== null) root = root.parent
  // Commander keeps the words it was given, though its types do not say so.
  const { rawArgs } = root as Command & { readonly rawArgs?: readonly string[] }
  const at = rawArgs?.indexOf('--') ?? -1
  return at === -1 || rawArgs === undefined ? 0 : rawArgs.length - at - 1
}

/** A dash alone is stdin, and `-5` is a number. */
function isFlag(word: string): boolean {
  return /^-[^\d.]/.test(word)
}

function collect(value: string, before: unknown): readonly string[] {
  return Array.isArray(before) ? [...before, value] : [value]
}

function helpTail(spec: CommandSpec, width: number): string {
  const parts: string[] = []
  if (spec.notes !== undefined) parts.push(wrapParagraphs(spec.notes, width))
  if (spec.examples.length > 0) {
    const lineWidth = Math.max(...spec.examples.map(([line]) => line.length))
    parts.push(
      `Examples:\n${spec.examples.map(([line, does]) => `  $ ${line.padEnd(lineWidth)}   ${does}`.trimEnd()).join('\n')}`,
    )
  }
  return parts.length === 0 ? '' : `\n${parts.join('\n\n')}`
}
