import type { Colour, Paint } from './colours.ts'
import { visibleText } from './text-width.ts'

const levels: readonly (readonly [atLeast: number, name: string, colour: Colour])[] = [
  [60, 'FATAL', 'red'],
  [50, 'ERROR', 'red'],
  [40, 'WARN ', 'yellow'],
  [30, 'INFO ', 'green'],
  [20, 'DEBUG', 'blue'],
  [0, 'TRACE', 'gray'],
]

/** A JSON log line for people; any other line as it is, made safe for a terminal. */
export function renderLogLine(line: string, paint: Paint): string {
  const entry = parseEntry(line)
  if (entry === null) return visibleText(line)
  const { level, time, msg, pid: _pid, hostname: _hostname, service: _service, ...rest } = entry
  const [, word, colour] = levels.find(([atLeast]) => Number(level) >= atLeast) ?? levels[3] ?? [30, 'INFO ', 'green']
  const clock = new Date(typeof time === 'number' || typeof time === 'string' ? time : Number.NaN)
  const hour = Number.isNaN(clock.getTime()) ? '' : `${clock.toTimeString().slice(0, 8)} `
  const facts = Object.entries(rest)
    .map(([key, value]) => `${key}=${sayValue(value)}`)
    .join(' ')
  const text = typeof msg === 'string' ? msg : ''
  const tail = facts === '' ? '' : ` ${paint('dim', visibleText(facts))}`
  return `${paint('dim', hour)}${paint(colour, word)} ${visibleText(text)}${tail}`
}

/** Of an error its sentence: the stack is in the log itself. */
function sayValue(value: unknown): string {
  if (typeof value === 'string') return value
  const isError = typeof value === 'object' && value !== null && 'message' in value && 'stack' in value
  return JSON.stringify(isError ? value.message : value)
}

function parseEntry(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null
  try {
    const value: unknown = JSON.parse(line)
    const isEntry = typeof value === 'object' && value !== null && 'level' in value && 'msg' in value
    return isEntry ? { ...value } : null
  } catch {
    return null
  }
}
