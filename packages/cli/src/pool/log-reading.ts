import { closeSync, openSync, readSync, statSync } from 'node:fs'

const chunkBytes = 64 * 1_024
const lookEveryMs = 250

/** The last lines of a log, read from its end. */
export function lastLines(file: string, count: number): readonly string[] {
  if (count === 0) return []
  let text = Buffer.alloc(0)
  let at = sizeOf(file)
  // One more, as the last ends with a line feed.
  while (at > 0 && countLines(text) <= count) {
    const from = Math.max(0, at - chunkBytes)
    text = Buffer.concat([readPart(file, from, at - from), text])
    at = from
  }
  const lines = text.toString('utf8').split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines.slice(-count)
}

/** Prints what is appended from now on, until the signal; a log that was cut off goes on from its beginning. */
export async function followLogs(
  logs: readonly { readonly name: string; readonly file: string }[],
  parts: {
    readonly print: (name: string, line: string) => void
    readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
    readonly signal: AbortSignal
  },
): Promise<void> {
  const followed = logs.map(log => ({ ...log, at: sizeOf(log.file), rest: '' }))
  for (;;) {
    for (const log of followed) {
      const size = sizeOf(log.file)
      if (size < log.at) log.at = 0
      while (log.at < size) {
        const part = readPart(log.file, log.at, Math.min(chunkBytes, size - log.at))
        if (part.length === 0) break
        log.at += part.length
        // A character that is cut in two by the end of a part is rare, and a log.
        const lines = (log.rest + part.toString('utf8')).split('\n')
        log.rest = lines.pop() ?? ''
        for (const line of lines) parts.print(log.name, line)
      }
    }
    await parts.sleep(lookEveryMs, parts.signal)
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size
  } catch {
    return 0
  }
}

function readPart(file: string, from: number, bytes: number): Buffer {
  const part = Buffer.alloc(bytes)
  const log = openSync(file, 'r')
  try {
    return part.subarray(0, readSync(log, part, 0, bytes, from))
  } finally {
    closeSync(log)
  }
}

function countLines(text: Buffer): number {
  let count = 0
  for (let at = text.indexOf(10); at !== -1; at = text.indexOf(10, at + 1)) count += 1
  return count
}
