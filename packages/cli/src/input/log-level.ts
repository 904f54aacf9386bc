import type { Arguments } from './arguments.ts'
import type { Reading } from './values.ts'

/** From the most that is told to the least. */
export const logLevelNames = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const

export type LogLevelName = (typeof logLevelNames)[number]

/** The names that other systems have for the same levels. */
const otherNames: Readonly<Record<string, LogLevelName>> = { warning: 'warn', critical: 'error', off: 'silent' }

/** LOG_LEVEL, as the scheduler understands it, too; without it DEBUG=true means debug. */
export function readLogLevel(input: Arguments, env: Readonly<Record<string, string | undefined>>): LogLevelName {
  const given = input.variable('LOG_LEVEL', readLevel)
  if (given !== null) return given
  return /^(true|1|yes|on)$/i.test(env.DEBUG?.trim() ?? '') ? 'debug' : 'info'
}

function readLevel(subject: string, text: string): Reading<LogLevelName> {
  const name = text.trim().toLowerCase()
  const level = logLevelNames.find(each => each === name) ?? (Object.hasOwn(otherNames, name) ? otherNames[name] : null)
  if (level !== null && level !== undefined) return { value: level }
  return { fault: `${subject} takes ${logLevelNames.join(', ')}, not '${text}'.` }
}
