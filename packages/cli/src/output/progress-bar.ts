import type { Paint } from './colours.ts'
import { cutText, textWidth } from './text-width.ts'

export interface ProgressState {
  readonly done: number
  readonly total: number
  /** Said after the bar; one line below it each. */
  readonly label: string
  readonly below?: readonly string[]
}

export interface ProgressBar {
  /** Draws the state, at most some twenty times a second. */
  update(state: ProgressState): void
  /** Prints a line above the bar. */
  line(text: string): void
  /** Takes the bar away, so that what is printed next stands alone. */
  clear(): void
}

interface BarStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

const barWidth = 28
/** Faster than the eye is work for nothing. */
const drawEveryMs = 50

/**
 * A progress bar of one or more lines at the bottom of a terminal. Elsewhere (a pipe, a file, `TERM=dumb`) it draws
 * nothing, and `line` prints plain lines.
 */
export function createProgressBar(options: {
  readonly stream: BarStream
  readonly paint: Paint
  readonly nowMs: () => number
  /** False where it must not be drawn; if absent, drawn on a terminal. */
  readonly isWanted?: boolean
}): ProgressBar {
  const { stream, paint, nowMs } = options
  const isDrawn = options.isWanted ?? stream.isTTY === true
  let linesDrawn = 0
  let lastDrawMs = Number.NEGATIVE_INFINITY
  let last: ProgressState | null = null

  const erase = () => {
    if (linesDrawn === 0) return ''
    const up = linesDrawn > 1 ? `\u001b[${linesDrawn - 1}A` : ''
    linesDrawn = 0
    return `\r${up}\u001b[0J`
  }
  const draw = (state: ProgressState) => {
    const lines = renderProgress(state, paint, columnsOf(stream))
    const text = erase() + lines.join('\n')
    linesDrawn = lines.length
    return text
  }
  return {
    update(state) {
      last = state
      const isEnd = state.done >= state.total
      if (!isDrawn || (nowMs() - lastDrawMs < drawEveryMs && !isEnd)) return
      lastDrawMs = nowMs()
      stream.write(draw(state))
    },
    line(text) {
      const redraw = linesDrawn > 0 && last !== null ? last : null
      stream.write(`${erase()}${text}\n${redraw === null ? '' : draw(redraw)}`)
    },
    clear() {
      const text = erase()
      if (text !== '') stream.write(text)
      last = null
    },
  }
}

/** A terminal that does not know its width says 0. */
function columnsOf(stream: BarStream): number {
  return stream.columns === undefined || stream.columns === 0 ? 80 : stream.columns
}

/** The lines of a bar, none wider than the terminal: a wrapped line could not be erased again. */
export function renderProgress(state: ProgressState, paint: Paint, columns: number): readonly string[] {
  const share = state.total === 0 ? 1 : Math.min(1, Math.max(0, state.done / state.total))
  const filled = Math.floor(share * barWidth)
  // Rounded down: 100 % is said when everything is done.
  const percent = `${String(Math.floor(share * 100)).padStart(3)} %`
  const bar = paint('green', '█'.repeat(filled)) + paint('dim', '░'.repeat(barWidth - filled))
  const room = columns - 1
  const head = barWidth + 1 + textWidth(percent)
  const first =
    room <= head + 8
      ? cutText(`${percent} ${state.label}`, room)
      : `${bar} ${percent}  ${cutText(state.label, room - head - 2)}`
  return [first, ...(state.below ?? []).map(line => cutText(line, room))]
}
