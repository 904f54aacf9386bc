import { isUtf8 } from 'node:buffer'
import { join } from 'node:path'

/**
 * Paths as text, whatever bytes their names have. On Linux a name is any bytes but '/' and NUL, and a path of Node is
 * a string of UTF-8, to which other bytes are lost. As in Python's "surrogateescape" (PEP 383), a byte 0xNN that is no
 * UTF-8 stands here as the lone surrogate U+DCNN, which no UTF-8 decodes to: different bytes are different texts, and
 * `join`, `relative`, `extname` and maps work as ever. Such a text must go through `toFilePath` to the file system,
 * through `showPath` to people, and through `payloadOfPath` into JSON.
 */
export function textOfPath(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const length = characterLengths.find(each => at + each <= bytes.length && isUtf8(bytes.subarray(at, at + each)))
    text +=
      length === undefined ? String.fromCharCode(0xdc00 + (bytes[at] ?? 0)) : bytes.toString('utf8', at, at + length)
    at += length ?? 1
  }
  return text
}

const characterLengths = [1, 2, 3, 4]
/** With the u flag a surrogate that is half of a pair does not match. */
const escapedBytePattern = /[\udc80-\udcff]/gu

/** What the file system is asked with: the text itself, or bytes where it stands for some that are no UTF-8. */
export function toFilePath(text: string): string | Buffer {
  if (!isEscaped(text)) return text
  const parts: Buffer[] = []
  let from = 0
  for (const { index, 0: character } of text.matchAll(escapedBytePattern)) {
    parts.push(Buffer.from(text.slice(from, index)), Buffer.from([character.charCodeAt(0) - 0xdc00]))
    from = index + 1
  }
  return Buffer.concat([...parts, Buffer.from(text.slice(from))])
}

/** For people: the bytes that are no text as `\xNN`. */
export function showPath(text: string): string {
  return text.replace(escapedBytePattern, character => `\\x${(character.charCodeAt(0) - 0xdc00).toString(16)}`)
}

/** How a path travels as JSON, which has no place for bytes. */
export interface PathPayload {
  readonly path: string
  readonly encoding?: 'utf8' | 'base64'
}

export function payloadOfPath(text: string): PathPayload {
  const path = toFilePath(text)
  return typeof path === 'string' ? { path } : { path: path.toString('base64'), encoding: 'base64' }
}

export function pathOfPayload({ path, encoding }: PathPayload): string {
  return encoding === 'base64' ? textOfPath(Buffer.from(path, 'base64')) : path
}

/** The path of an entry of a folder, as text. */
export function joinName(folder: string, name: Buffer): string {
  return join(folder, textOfPath(name))
}

function isEscaped(text: string): boolean {
  return text.search(escapedBytePattern) !== -1
}
