import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countFile, createTextCounter, isWhiteSpace, type TextCount } from '../src/demo/text-counter.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tasklane-count-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function count(content: string | Buffer): Promise<TextCount> {
  const path = join(folder, 'file')
  await writeFile(path, content)
  const outcome = await countFile(path)
  if (outcome.kind !== 'text') throw new Error(`binary: ${outcome.reason}`)
  return outcome.count
}

/** Counts in chunks of these sizes, over and over. */
function countInChunks(bytes: Buffer, sizes: readonly number[]) {
  const counter = createTextCounter()
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1
    const fault = counter.add(bytes.subarray(at, at + size))
    if (fault !== null) return { kind: 'binary', reason: fault }
    at += size
  }
  return counter.end()
}

describe('counting a text', () => {
  it.each([
    ['nothing', ''],
    ['a line without an end', 'one two'],
    ['several lines', 'one two\nthree\n\n  four\t five \n'],
    ['carriage returns', 'a\r\nb\r\n'],
    ['form feeds and vertical tabs', 'a\fb\vc'],
    ['letters of all sorts', 'Straße naïve 日本語 😀 e\u0301\n'],
    ['an ideographic space', 'a\u3000b'],
    ['a no-break space', 'a\u00a0b'],
    ['code', 'if (a === b) { return `x` } // why\n'],
  ])('finds the words and lines that wc finds in %s', async (_what, text) => {
    const found = await count(text)
    const wc = execFileSync('wc', ['-lwc', join(folder, 'file')], { env: { LC_ALL: 'C.UTF-8' }, encoding: 'utf8' })
    const [lines, words, bytes] = wc.trim().split(/\s+/).map(Number)
    expect({ lines: found.lines, words: found.words, bytes: found.bytes }).toEqual({ lines, words, bytes })
    expect(found.sha256).toBe(createHash('sha256').update(text).digest('hex'))
  })

  it('splits words at exactly the white space of Unicode', () => {
    const differing: number[] = []
    for (let unit = 0; unit <= 0xffff; unit += 1) {
      if (isWhiteSpace(unit) !== /\p{White_Space}/u.test(String.fromCharCode(unit))) differing.push(unit)
    }
    expect(differing).toEqual([])
  })

  it('finds the same however the bytes arrive', () => {
    const text = fc.array(fc.constantFrom('a', ' ', '\n', 'ß', '日', '😀', '\u00a0', 'word', '.'), { maxLength: 60 })
    const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(text, sizes, (parts, chunkSizes) => {
        const bytes = Buffer.from(parts.join(''))
        expect(countInChunks(bytes, chunkSizes)).toEqual(countInChunks(bytes, [1_000_000]))
        const words = parts
          .join('')
          .split(/\p{White_Space}+/u)
          .filter(word => word !== '')
        expect(countInChunks(bytes, chunkSizes)).toMatchObject({ count: { words: words.length } })
      }),
    )
  })

  it('reads a file that is longer than one chunk', async () => {
    const text = `${'word '.repeat(200_000)}\n`
    expect(await count(text)).toMatchObject({ words: 200_000, lines: 1, bytes: 1_000_001 })
  })

  it('keeps the most frequent terms, equals in the order of their letters', async () => {
    const { top } = await count('the cat, the dog; The "cat" a an = == 123\n')
    expect(top).toEqual([
      ['the', 3],
      ['cat', 2],
      ['dog', 1],
    ])
  })

  it('keeps a bounded number of terms', async () => {
    const letters = (at: number) =>
      `abc${String.fromCharCode(97 + (at % 26), 97 + (Math.floor(at / 26) % 26), 97 + Math.floor(at / 676))}`
    const { top, words } = await count(Array.from({ length: 5_000 }, (_, at) => letters(at)).join(' '))
    expect(words).toBe(5_000)
    expect(top).toHaveLength(100)
  })
})

describe('a binary file', () => {
  const text = Buffer.from('text\n')
  it.each([
    ['a NUL at its beginning', Buffer.from([0]), 'nul'],
    ['a NUL at the end of the first 8 KiB', Buffer.concat([Buffer.alloc(8_191, 97), Buffer.from([0])]), 'nul'],
    ['a byte that UTF-8 never has', Buffer.concat([text, Buffer.from([0xff])]), 'utf8'],
    ['a lone surrogate', Buffer.from([0xed, 0xa0, 0x80]), 'utf8'],
    ['half a character at its end', Buffer.concat([text, Buffer.from([0xe6, 0x97])]), 'utf8'],
  ])('is one with %s', (_what, bytes, reason) => {
    expect(countInChunks(bytes, [4_096])).toEqual({ kind: 'binary', reason })
    expect(countInChunks(bytes, [1])).toEqual({ kind: 'binary', reason })
  })

  it('is none with a NUL after the first 8 KiB', () => {
    const bytes = Buffer.concat([Buffer.alloc(8_192, 97), Buffer.from([0])])
    expect(countInChunks(bytes, [100])).toMatchObject({ kind: 'text', count: { words: 1, bytes: 8_193 } })
  })
})
