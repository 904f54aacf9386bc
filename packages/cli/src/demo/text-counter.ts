import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { TextDecoder } from 'node:util'
import { toFilePath } from './path-text.ts'

/** What is known of one text. `words` and `lines` are what `wc -w` and `wc -l` count. */
export interface TextCount {
  readonly bytes: number
  readonly lines: number
  readonly words: number
  /** Of the bytes, in hex. */
  readonly sha256: string
  /** The most frequent terms, most frequent first; see `isTerm`. Bounded, so that a result stays small. */
  readonly top: TermCounts
}

export type TermCounts = readonly (readonly [term: string, count: number])[]

export type CountOutcome =
  | { readonly kind: 'text'; readonly count: TextCount }
  | { readonly kind: 'binary'; readonly reason: 'nul' | 'utf8' }

/** A NUL this early means binary, as git and grep have it; a later one is an odd character in a text. */
const nulWindowBytes = 8_192
/** One read: larger ones gain nothing, and a worker holds one buffer for each of its slots. */
const chunkBytes = 256 * 1_024
/** Terms kept of one file: about 2 KiB of JSON, so that several thousand results still travel in a few calls. */
export const fileTermsMax = 100
/** Different terms counted in one file before the rare ones are dropped: bounds the memory of a file of random text. */
const countedTermsMax = 200_000

/**
 * Counts one file as a stream: memory does not grow with the size of the file.
 * @param path as text; see `path-text.ts`
 * @throws what the file system says (ENOENT, EACCES, …), or the signal's reason
 */
export async function countFile(path: string, signal?: AbortSignal): Promise<CountOutcome> {
  const file = await open(toFilePath(path), 'r')
  try {
    const counter = createTextCounter()
    const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, Math.max(1, (await file.stat()).size + 1)))
    for (;;) {
      signal?.throwIfAborted()
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null)
      if (bytesRead === 0) return counter.end()
      const fault = counter.add(buffer.subarray(0, bytesRead))
      if (fault !== null) return { kind: 'binary', reason: fault }
    }
  } finally {
    await file.close()
  }
}

export interface TextCounter {
  /** Returns why the bytes are not a text, or null. */
  add(chunk: Uint8Array): 'nul' | 'utf8' | null
  end(): CountOutcome
}

/** Counts a text that arrives in chunks; chunks may end inside a character or a word. */
export function createTextCounter(): TextCounter {
  const hash = createHash('sha256')
  // The byte order mark is kept: it is a character of the text, and no white space.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const words = createWordScanner()
  let bytes = 0
  let lines = 0
  return {
    add(chunk) {
      if (bytes < nulWindowBytes && chunk.subarray(0, nulWindowBytes - bytes).includes(0)) return 'nul'
      const text = decode(decoder, chunk, true)
      if (text === null) return 'utf8'
      bytes += chunk.length
      lines += countNewlines(chunk)
      hash.update(chunk)
      words.add(text)
      return null
    },
    end() {
      // What is left in the decoder is the beginning of a character that never came.
      if (decode(decoder, new Uint8Array(0), false) === null) return { kind: 'binary', reason: 'utf8' }
      words.end()
      const top = topTerms(words.terms(), fileTermsMax)
      return { kind: 'text', count: { bytes, lines, words: words.count(), sha256: hash.digest('hex'), top } }
    },
  }
}

/** The `limit` most frequent terms; equals in the order of their letters, so that every run gives the same list. */
export function topTerms(terms: ReadonlyMap<string, number>, limit: number): TermCounts {
  return [...terms].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, limit)
}

function decode(decoder: TextDecoder, chunk: Uint8Array, stream: boolean): string | null {
  try {
    return decoder.decode(chunk, { stream })
  } catch {
    return null
  }
}

function countNewlines(chunk: Uint8Array): number {
  let count = 0
  for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) count += 1
  return count
}

/** Unicode's White_Space property; all of it lies in the basic plane, so UTF-16 units can be looked at one by one. */
export function isWhiteSpace(unit: number): boolean {
  if (unit < 0x80) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d)
  if (unit < 0x1680) return unit === 0x85 || unit === 0xa0
  if (unit < 0x2000) return unit === 0x1680
  if (unit <= 0x200a) return true
  return unit === 0x2028 || unit === 0x2029 || unit === 0x202f || unit === 0x205f || unit === 0x3000
}

/** The table of top words shows words people know: three letters or more, alone or inside punctuation. */
const termPattern = /[\p{L}\p{M}]{3,40}/u

interface WordScanner {
  add(text: string): void
  end(): void
  count(): number
  terms(): ReadonlyMap<string, number>
}

function createWordScanner(): WordScanner {
  const terms = new Map<string, number>()
  let count = 0
  // A word that was cut by the end of a chunk; only its beginning is needed to name its term.
  let rest = ''
  const finish = (word: string) => {
    count += 1
    const term = termPattern.exec(word)?.[0].toLowerCase()
    if (term === undefined) return
    terms.set(term, (terms.get(term) ?? 0) + 1)
    if (terms.size > countedTermsMax) dropRare(terms)
  }
  return {
    add(text) {
      let start = 0
      for (let at = 0; at < text.length; at += 1) {
        if (!isWhiteSpace(text.charCodeAt(at))) continue
        if (at > start || rest !== '') finish(rest + text.slice(start, Math.min(at, start + wordCharsMax)))
        rest = ''
        start = at + 1
      }
      if (start < text.length && rest.length < wordCharsMax) rest += text.slice(start, start + wordCharsMax)
    },
    end() {
      if (rest !== '') finish(rest)
      rest = ''
    },
    count: () => count,
    terms: () => terms,
  }
}

/** A word may be as long as the file; its first letters are enough to count it. */
const wordCharsMax = 256

function dropRare(terms: Map<string, number>): void {
  for (const [term, count] of terms) if (count === 1) terms.delete(term)
  // All of them seen twice or more: then begin again rather than grow for ever.
  if (terms.size > countedTermsMax / 2) terms.clear()
}
