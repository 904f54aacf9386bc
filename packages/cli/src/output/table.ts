import type { Paint } from './colours.ts'
import { cutText, padText, textWidth, visibleText } from './text-width.ts'

export interface Column<Row> {
  readonly title: string
  readonly text: (row: Row) => string
  /** Numbers stand at the right. */
  readonly align?: 'left' | 'right'
  /** Colours the cell after its width is known. */
  readonly style?: (text: string, row: Row) => string
  /** The column that gives way when the terminal is too narrow. */
  readonly shrinks?: boolean
}

/**
 * A table without lines, as `ps` and `kubectl` print it: easy for people, and for `awk`.
 * @param width columns of the terminal; absent is unlimited, so that nothing is cut in a file or a pipe
 */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: { readonly paint: Paint; readonly width?: number | undefined },
): string {
  const cells = rows.map(row => columns.map(column => visibleText(column.text(row))))
  const widths = columns.map((column, at) =>
    Math.max(textWidth(column.title), ...cells.map(line => textWidth(line[at] ?? ''))),
  )
  shrink(widths, columns, options.width)
  const head = columns.map((column, at) => padText(column.title.toUpperCase(), widths[at] ?? 0, column.align ?? 'left'))
  const lines = cells.map((line, rowAt) =>
    columns.map((column, at) => {
      const width = widths[at] ?? 0
      const text = padText(cutText(line[at] ?? '', width), width, column.align ?? 'left')
      const row = rows[rowAt]
      return column.style === undefined || row === undefined ? text : column.style(text, row)
    }),
  )
  return [options.paint('dim', join(head)), ...lines.map(join)].join('\n')
}

/** Names and values below each other, for one thing at a time. */
export function renderFacts(facts: readonly (readonly [name: string, value: string])[], paint: Paint): string {
  const width = Math.max(...facts.map(([name]) => textWidth(name)))
  return facts.map(([name, value]) => `${paint('dim', padText(name, width, 'left'))}  ${value}`).join('\n')
}

const gap = 2

function join(cells: readonly string[]): string {
  return cells.join(' '.repeat(gap)).trimEnd()
}

function shrink<Row>(widths: number[], columns: readonly Column<Row>[], width: number | undefined): void {
  const at = columns.findIndex(column => column.shrinks === true)
  const shrinking = widths[at]
  if (width === undefined || shrinking === undefined) return
  const total = widths.reduce((sum, each) => sum + each + gap, -gap)
  // Eight columns at least: less says nothing.
  if (total > width) widths[at] = Math.max(8, shrinking - (total - width))
}
