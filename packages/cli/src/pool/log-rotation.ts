import { copyFileSync, existsSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs'

export interface LogBounds {
  readonly bytesMax: number
  /** Beside the one that is written to. */
  readonly oldFiles: number
}

/** Fifty megabytes of each worker at most, a second's writing aside. */
export const logBounds: LogBounds = { bytesMax: 10 * 1_024 * 1_024, oldFiles: 4 }

/**
 * Keeps a log within its bounds: `w.log` becomes `w.log.1`, that `w.log.2`, and so on; the oldest is let go.
 *
 * A worker writes to the file itself, so that it outlives its supervisor, and cannot be told to open another. The file is
 * copied, then cut to nothing; it is appended to, so that the next line stands at its beginning. A line that is
 * written between the two, microseconds apart, is lost.
 * @returns whether it was turned
 */
export function rotateLog(file: string, bounds: LogBounds = logBounds): boolean {
  try {
    if (statSync(file).size < bounds.bytesMax) return false
  } catch {
    return false
  }
  rmSync(`${file}.${bounds.oldFiles}`, { force: true })
  for (let at = bounds.oldFiles - 1; at >= 1; at -= 1) {
    if (existsSync(`${file}.${at}`)) renameSync(`${file}.${at}`, `${file}.${at + 1}`)
  }
  copyFileSync(file, `${file}.1`)
  truncateSync(file)
  return true
}
