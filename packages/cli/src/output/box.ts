import { padText, textWidth } from './text-width.ts'

/** Lines that must not be overlooked. */
export function renderBox(lines: readonly string[]): string {
  const width = Math.max(...lines.map(textWidth))
  const edge = '─'.repeat(width + 2)
  return [`┌${edge}┐`, ...lines.map(line => `│ ${padText(line, width, 'left')} │`), `└${edge}┘`].join('\n')
}
