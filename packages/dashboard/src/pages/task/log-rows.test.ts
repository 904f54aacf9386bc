import type { LogLevel, LogLine } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { epochsOf, logRowsOf, logText, markedPieces } from './log-rows.ts'

function line(number: number, epoch: number, level: LogLevel, message: string): LogLine {
  return { line: number, epoch, level, message, time: '2030-01-01T00:00:00.000Z' }
}

const lines = [
  line(1, 1, 'info', 'Begin'),
  line(2, 1, 'error', '\u001b[31mBroken\u001b[0m pipe'),
  line(3, 2, 'debug', 'Begin'),
]
const all = { level: 'debug', text: '', epoch: null } as const

describe('the log of a task', () => {
  it('tells attempts apart where there are several, and only there', () => {
    expect(logRowsOf(lines, all).map(row => row.kind)).toEqual(['attempt', 'line', 'line', 'attempt', 'line'])
    expect(logRowsOf(lines.slice(0, 2), all).map(row => row.kind)).toEqual(['line', 'line'])
    expect(epochsOf(lines)).toEqual([1, 2])
  })

  it('is filtered by level, attempt and text, colours or not', () => {
    expect(logRowsOf(lines, { ...all, level: 'info' }).filter(row => row.kind === 'line')).toHaveLength(2)
    expect(logRowsOf(lines, { ...all, epoch: 2 })).toHaveLength(2)
    expect(logRowsOf(lines, { ...all, text: 'BROKEN PIPE' })).toHaveLength(2)
    expect(logText(lines)).toContain('error Broken pipe')
  })

  it('marks what was looked for, over changes of colour', () => {
    const found = (message: string, wanted: string) =>
      markedPieces(message, wanted)
        .map(piece => (piece.isFound ? `<${piece.text}>` : piece.text))
        .join('')
    expect(found('a Bb b', 'b')).toBe('a <B><b> <b>')
    expect(found('x\u001b[31mab\u001b[0mcd', 'bc')).toBe('xa<b><c>d')
    expect(found('abc', 'x')).toBe('abc')
    expect(found('abc', '')).toBe('abc')
    expect(found('İx', 'x')).toBe('İx')
  })
})
