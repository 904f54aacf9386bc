import tab from '@bomb.sh/tab/commander'
import { limits, logLevels, roles, taskStates } from '@tasklane/protocol'
import type { Argument, Command } from 'commander'
import { builtInTypes } from '../builtins/builtins.ts'
import { UsageError } from '../faults.ts'
import { readChoice } from '../input/values.ts'
import { generatedTypes } from '../load/mix.ts'
import { nameWithParents, type Session } from './command.ts'

const priorities = Array.from({ length: limits.priorityMax }, (_, at) => String(at + limits.priorityMin))

/** What a shell offers after a flag, by the flag's name; everything else is completed from the commands themselves. */
const choices: Readonly<Record<string, readonly string[]>> = {
  status: taskStates,
  level: logLevels,
  priority: priorities,
  type: builtInTypes,
  capabilities: builtInTypes,
  mix: generatedTypes,
  role: roles,
  expires: ['1d', '30d', '90d', '365d', 'never'],
  'on-dependency-failure': ['cancel', 'proceed'],
}

/**
 * Adds `completion <shell>`, which prints a script for the shell, and the hidden `complete` that the script calls.
 * To be called when all other commands are there.
 */
export function addCompletion(program: Command, session: Session): void {
  const root = tab(program, { completionCommandName: 'completion' })
  for (const command of root.commands.values()) {
    for (const [flag, words] of Object.entries(choices)) {
      const option = command.options.get(flag)
      if (option !== undefined) option.handler = offer(words)
    }
  }
  const role = root.commands.get('users role')?.arguments.get('role')
  if (role !== undefined) role.handler = offer(roles)
  const type = root.commands.get('submit')?.arguments.get('type')
  if (type !== undefined) type.handler = offer(builtInTypes)
  const completion = program.commands.find(command => command.name() === 'completion')
  for (const argument of completion?.registeredArguments ?? []) {
    judgeShell(argument, () => {
      if (completion !== undefined) session.commandLine = nameWithParents(completion)
    })
  }
  completion
    ?.summary('print a completion script for a shell')
    .addHelpText(
      'after',
      '\nExamples:\n  $ source <(tasklane completion bash)\n  $ tasklane completion fish > ~/.config/fish/completions/tasklane.fish',
    )
}

/** In the place of commander's own judgement, which speaks in another voice. */
function judgeShell(argument: Argument, onFault: () => void): void {
  const shells = argument.argChoices ?? []
  argument.argParser((text: string) => {
    const reading = readChoice('The shell', text, shells)
    if ('value' in reading) return reading.value
    onFault()
    throw new UsageError([reading.fault])
  })
}

function offer(words: readonly string[]) {
  return (complete: (word: string, description: string) => void) => {
    for (const word of words) complete(word, '')
  }
}
