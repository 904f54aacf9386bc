import type { Host } from '../host.ts'
import { createPaint, type Paint } from './colours.ts'
import { createProgressBar, type ProgressBar } from './progress-bar.ts'
import { type Column, renderTable } from './table.ts'

/**
 * The only way out for a command. Data goes to stdout, and to nothing but stdout; messages and progress go to stderr,
 * so that a pipe gets data alone.
 */
export interface Output {
  readonly isJson: boolean
  /** Colours for stdout. */
  readonly paint: Paint
  /** Colours for stderr. */
  readonly paintNote: Paint
  /** A piece of data as text; not for JSON. */
  data(text: string): void
  /** With `--json` the one document of the command; else what `render` returns. */
  document(value: unknown, render: () => string): void
  /** One line of a JSON stream. */
  record(value: unknown): void
  /** A message for people on stderr; with `--json` left out. */
  note(text: string): void
  /** A message that matters to a program's log too. */
  warn(text: string, level?: 'warn' | 'error'): void
  /** A table for people, as wide as the terminal. */
  table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string
  progress(): ProgressBar
}

export function createOutput(host: Host, isJson: boolean): Output {
  const paint = createPaint(host.stdout, host.env)
  const paintNote = createPaint(host.stderr, host.env)
  return {
    isJson,
    paint,
    paintNote,
    data: text => void host.stdout.write(`${text}\n`),
    document(value, render) {
      // People who ask for JSON on a terminal read it; programs do not care.
      const text = isJson ? JSON.stringify(value, null, host.stdout.isTTY === true ? 2 : undefined) : render()
      host.stdout.write(`${text}\n`)
    },
    record: value => void host.stdout.write(`${JSON.stringify(value)}\n`),
    note(text) {
      if (!isJson) host.stderr.write(`${text}\n`)
    },
    warn(text, level = 'warn') {
      const word = level === 'warn' ? paintNote('yellow', 'Warning:') : paintNote('red', 'Error:')
      host.stderr.write(`${word} ${text}\n`)
    },
    table: (rows, columns) =>
      renderTable(rows, columns, {
        paint,
        width: host.stdout.isTTY === true ? host.stdout.columns || undefined : undefined,
      }),
    progress: () =>
      createProgressBar({
        stream: host.stderr,
        paint: paintNote,
        nowMs: host.nowMs,
        isWanted: host.stderr.isTTY === true && host.env.TERM !== 'dumb',
      }),
  }
}
