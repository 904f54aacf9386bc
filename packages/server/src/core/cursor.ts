import { Problem } from './problem.ts'

/**
 * Page cursors: opaque text that holds the last number of the page and a fingerprint of the filter, so that a cursor
 * of one list cannot be used on another by mistake. No secret is in it; a forged one can only skip rows.
 */
export function writeCursor(lastNumber: number, filterText: string): string {
  return Buffer.from(`1.${lastNumber.toString(36)}.${fingerprint(filterText)}`, 'latin1').toString('base64url')
}

export function readCursor(cursor: string, filterText: string): number {
  const match = /^1\.([0-9a-z]{1,11})\.([0-9a-z]+)$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
  const lastNumber = Number.parseInt(match?.[1] ?? '', 36)
  if (match === null || !Number.isSafeInteger(lastNumber)) throw new Problem('cursor_invalid')
  if (match[2] !== fingerprint(filterText)) {
    throw new Problem('cursor_invalid', 'The cursor belongs to a list with another filter; start again without it.')
  }
  return lastNumber
}

// FNV-1a: told apart, not kept secret.
function fingerprint(text: string): string {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return (hash >>> 0).toString(36)
}
