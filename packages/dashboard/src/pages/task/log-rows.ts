import { type LogLevel, type LogLine, logLevels } from '@tasklane/protocol'
import { type AnsiPiece, plainText, readAnsi } from '../../parts/ansi.ts'

/** A line of the log, or the line above the first of an attempt. */
export type LogRow =
  | { readonly kind: 'line'; readonly line: LogLine }
  | { readonly kind: 'attempt'; readonly epoch: number; readonly at: string }

export interface LogFilter {
  readonly level: LogLevel
  readonly text: string
  /** Null is all attempts. */
  readonly epoch: number | null
}

/** What is shown of a log: attempts told apart wherever there are several. */
export function logRowsOf(lines: readonly LogLine[], { level, text, epoch }: LogFilter): readonly LogRow[] {
  const least = logLevels.indexOf(level)
  const wanted = text.toLowerCase()
  const hasSeveral = lines.some(line => line.epoch !== lines[0]?.epoch)
  const rows: LogRow[] = []
  let current: number | null = null
  for (const line of lines) {
    if (epoch !== null && line.epoch !== epoch) continue
    if (logLevels.indexOf(line.level) < least) continue
    if (wanted !== '' && !plainText(line.message).toLowerCase().includes(wanted)) continue
    if (hasSeveral && line.epoch !== current) rows.push({ kind: 'attempt', epoch: line.epoch, at: line.time })
    current = line.epoch
    rows.push({ kind: 'line', line })
  }
  return rows
}

export function epochsOf(lines: readonly LogLine[]): readonly number[] {
  return [...new Set(lines.map(line => line.epoch))]
}

export function logText(lines: readonly LogLine[]): string {
  return lines.map(({ time, level, message }) => `${time} ${level} ${plainText(message)}`).join('\n')
}

export interface MarkedPiece extends AnsiPiece {
  readonly isFound: boolean
}

/** The pieces of a line, cut where what is looked for begins and ends, also where its colours change within it. */
export function markedPieces(message: string, wanted: string): readonly MarkedPiece[] {
  const pieces = readAnsi(message)
  const text = pieces.map(piece => piece.text).join('')
  const lower = text.toLowerCase()
  // Where a letter changes its length by its case, places would not fit any more.
  const isFindable = wanted !== '' && lower.length === text.length
  const marked: MarkedPiece[] = []
  let from = isFindable ? lower.indexOf(wanted) : -1
  let at = 0
  for (const { text: piece, look } of pieces) {
    const end = at + piece.length
    while (at < end) {
      // Up to the next border: of what was found, or of the piece.
      const isFound = from !== -1 && at >= from
      const border = from === -1 ? end : Math.min(end, isFound ? from + wanted.length : from)
      marked.push({ text: text.slice(at, border), look, isFound })
      at = border
      if (from !== -1 && at === from + wanted.length) from = lower.indexOf(wanted, at)
    }
  }
  return marked
}
