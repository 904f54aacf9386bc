import { describe, expect, it } from 'vitest'
import { createPaint } from '../src/output/colours.ts'
import { renderLogLine } from '../src/output/log-line.ts'
import { createProgressBar, renderProgress } from '../src/output/progress-bar.ts'
import { formatAge, formatBytes, formatDuration, percentile } from '../src/output/quantities.ts'
import { renderTable } from '../src/output/table.ts'
import { cutText, textWidth, visibleText } from '../src/output/text-width.ts'

const plain = (_colour: unknown, text: string) => text

describe('the progress bar', () => {
  function createBar(isTTY: boolean) {
    let text = ''
    let nowMs = 0
    const stream = { isTTY, columns: 80, write: (part: string) => (text += part) }
    const bar = createProgressBar({ stream, paint: plain, nowMs: () => nowMs })
    return { bar, written: () => text, advance: (ms: number) => (nowMs += ms) }
  }

  it('draws nothing where nobody looks, and prints lines plainly', () => {
    const { bar, written } = createBar(false)
    bar.update({ done: 1, total: 2, label: 'half' })
    bar.line('something happened')
    bar.clear()
    expect(written()).toBe('something happened\n')
  })

  it('draws over itself, however many lines it has', () => {
    const { bar, written, advance } = createBar(true)
    bar.update({ done: 0, total: 2, label: 'none', below: ['w1', 'w2'] })
    advance(100)
    bar.update({ done: 1, total: 2, label: 'half' })
    bar.clear()
    const [first = '', second = '', last = ''] = written().split('\r')
    expect(first.split('\n')).toHaveLength(3)
    expect(second).toMatch(/^\u001b\[2A\u001b\[0J.* 50 % {2}half$/)
    expect(last).toBe('\u001b[0J')
  })

  it('draws no faster than the eye, but always the end', () => {
    const { bar, written } = createBar(true)
    for (let done = 0; done <= 100; done += 1) bar.update({ done, total: 100, label: '' })
    expect(written().split('%')).toHaveLength(3)
    expect(written()).toContain('100 %')
  })

  it('says 100 % when everything is done and not before', () => {
    const lineOf = (done: number, total: number) => renderProgress({ done, total, label: '' }, plain, 80)[0]
    expect(lineOf(999, 1_000)).toContain(' 99 %')
    expect(lineOf(1_000, 1_000)).toContain('100 %')
    expect(lineOf(0, 0)).toContain('100 %')
  })

  it.each([10, 30, 45, 80, 200])('never is wider than a terminal of %i columns', columns => {
    const state = { done: 1, total: 3, label: 'a label of some length, '.repeat(5), below: ['b'.repeat(300)] }
    for (const line of renderProgress(state, plain, columns)) expect(textWidth(line)).toBeLessThan(columns)
  })
})

describe('a table', () => {
  const columns = [
    { title: 'name', text: (row: { name: string }) => row.name, shrinks: true },
    { title: 'size', text: () => '1', align: 'right' as const },
  ]

  it('lines up characters of all widths', () => {
    const rows = [{ name: '日本' }, { name: 'e\u0301' }, { name: 'abcde' }]
    expect(renderTable(rows, columns, { paint: plain }).split('\n').map(textWidth)).toEqual([11, 11, 11, 11])
  })

  it('cuts the column that gives way, and only on a terminal', () => {
    const rows = [{ name: 'a'.repeat(50) }]
    expect(renderTable(rows, columns, { paint: plain, width: 30 }).split('\n')[1]).toBe(`${'a'.repeat(23)}…     1`)
    expect(renderTable(rows, columns, { paint: plain })).toContain('a'.repeat(50))
  })
})

describe('text from elsewhere', () => {
  it('cannot move the cursor or break a line', () => {
    expect(visibleText('a\u001b[2Jb\nc\u007f\u009b')).toBe('a␛[2Jb␊c␡␡')
    expect(visibleText('a\n\tb\r', { keepLines: true })).toBe('a\n\tb␍')
  })

  it('is cut between characters', () => {
    expect(cutText('日本語', 4)).toBe('日…')
    expect(cutText('abc', 3)).toBe('abc')
  })
})

describe('quantities', () => {
  it.each([
    [0, '0 ms'],
    [0.4, '<1 ms'],
    [12.4, '12 ms'],
    [999.4, '999 ms'],
    [3_420, '3.4 s'],
    [59_000, '59 s'],
    [125_000, '2m 05s'],
    [3_600_000, '1h 00m'],
    [100 * 3_600_000, '4d 4h'],
  ])('say %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  it('say how long ago, and how far ahead', () => {
    const nowMs = Date.parse('2030-01-01T00:01:00Z')
    expect(formatAge('2030-01-01T00:00:00Z', nowMs)).toBe('1m 00s ago')
    expect(formatAge('2030-01-01T00:01:05Z', nowMs)).toBe('in 5.0 s')
    expect(formatAge('2030-01-01T00:01:00.400Z', nowMs)).toBe('now')
    expect(formatAge(null, nowMs)).toBe('-')
  })

  it('say bytes in powers of 1,024', () => {
    expect([0, 1_023, 1_024, 1_572_864].map(formatBytes)).toEqual(['0 B', '1023 B', '1.0 KiB', '1.5 MiB'])
  })

  it('give nearest-rank percentiles', () => {
    const values = [5, 1, 4, 2, 3]
    expect([0, 20, 50, 95, 100].map(percent => percentile(values, percent))).toEqual([1, 1, 3, 5, 5])
    expect(percentile([], 50)).toBe(0)
  })
})

describe('colours', () => {
  it.each([
    [{ isTTY: true }, {}, true],
    [{ isTTY: true }, { TERM: 'dumb' }, false],
    [{ isTTY: true }, { NO_COLOR: '1' }, false],
    [{ isTTY: true }, { NO_COLOR: '' }, true],
    [{ isTTY: false }, {}, false],
    [{ isTTY: false }, { FORCE_COLOR: '1' }, true],
    [{ isTTY: true }, { FORCE_COLOR: '0' }, false],
    [{ isTTY: false }, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ])('on %j with %j: %s', (stream, env, expected) => {
    expect(createPaint(stream, env)('red', 'x') !== 'x').toBe(expected)
  })
})

describe('a log line of another process', () => {
  it('is shown for people', () => {
    const line = '{"level":40,"time":1893456000000,"pid":1,"hostname":"h","msg":"Slow.","ms":12}'
    expect(renderLogLine(line, plain)).toMatch(/^\d\d:\d\d:\d\d WARN {2}Slow\. ms=12$/)
  })

  it('stays as it is where it is no log line', () => {
    expect(renderLogLine('hello\u0007', plain)).toBe('hello␇')
    expect(renderLogLine('{"a":1}', plain)).toBe('{"a":1}')
  })
})
