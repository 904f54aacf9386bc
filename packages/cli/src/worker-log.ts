import type { WorkerLogger } from '@tasklane/sdk'
import { type LogLevelName, logLevelNames } from './input/log-level.ts'
import type { Output } from './output/output.ts'
import { visibleText } from './output/text-width.ts'

export interface WorkerLogOptions {
  readonly output: Output
  readonly level: LogLevelName
  /** For a file that nobody stamps: each line begins with the time, and messages are there with `--json`, too. */
  readonly stamp: { readonly nowMs: () => number; readonly write: (text: string) => unknown } | null
}

/** What a worker tells, where messages go: from LOG_LEVEL upwards. */
export function createWorkerLog({ output, level, stamp }: WorkerLogOptions): WorkerLogger {
  const isTold = (of: LogLevelName) => logLevelNames.indexOf(of) >= logLevelNames.indexOf(level)
  const tell = (of: 'debug' | 'info' | 'warn' | 'error') => {
    if (!isTold(of)) return () => undefined
    return (fields: Readonly<Record<string, unknown>>, message: string) => {
      // The sentence of an info says it all; who looks for a fault wants the facts along with it.
      const facts =
        of === 'info' ? [] : Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
      const text = visibleText([message, ...facts].join(' '))
      if (stamp !== null)
        stamp.write(`${new Date(stamp.nowMs()).toISOString()} ${of.toUpperCase().padEnd(5)} ${text}\n`)
      else if (of === 'warn' || of === 'error') output.warn(text, of)
      else output.note(text)
    }
  }
  return { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') }
}
