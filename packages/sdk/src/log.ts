import { writeSync } from 'node:fs'

/** Where the worker tells what it does. The order of arguments is pino's, so that a pino logger fits as it is. */
export interface WorkerLogger {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void
  info(fields: Readonly<Record<string, unknown>>, message: string): void
  warn(fields: Readonly<Record<string, unknown>>, message: string): void
  error(fields: Readonly<Record<string, unknown>>, message: string): void
}

/** Warnings and errors to stderr, one line each; the rest is dropped. */
export const stderrLogger: WorkerLogger = Object.freeze<WorkerLogger>({
  debug: () => {},
  info: () => {},
  warn: (fields, message) => write('warn', fields, message),
  error: (fields, message) => write('error', fields, message),
})

/** Guards the worker against a logger that throws: a full disk must not end a task. */
export function harmless(logger: WorkerLogger): WorkerLogger {
  const guard =
    (level: keyof WorkerLogger): WorkerLogger['info'] =>
    (fields, message) => {
      try {
        logger[level](fields, message)
      } catch {
        // There is nowhere left to say it.
      }
    }
  return Object.freeze({ debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') })
}

/**
 * Straight to the file rather than through `process.stderr`: that one tells a failed write as an event, later, which
 * ends the process where nobody listens; and a listener here would hide the application's own failed writes from it.
 */
function write(level: string, fields: Readonly<Record<string, unknown>>, message: string): void {
  const told = Object.entries(fields).map(
    ([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  try {
    writeSync(stderrFile, `tasklane ${level}: ${message}${told.join('')}\n`)
  } catch {
    // A full disk, or nobody reads it any more: there is nowhere left to say it.
  }
}

const stderrFile = 2
