import { describe, expect, it } from 'vitest'
import { fingerprintOf, levelled, readFailure } from './fingerprint.ts'
import type { JsonText } from './task.ts'

const error = (code: string, message: string) => JSON.stringify({ code, message }) as JsonText // An object is always a text.

const same: readonly (readonly [string, string, string])[] = [
  ['digits', 'Row 17 of 20 is empty', 'Row 3 of 1,200.5 is empty'],
  ['uuids', 'No user 018f3b2a-77aa-7c3e-9a11-0123456789ab', 'No user 018f3b2b-0000-7c3e-9a11-ba9876543210'],
  ['hex', 'Commit 9fceb02d0ae5 is gone', 'Commit 1a2b3c4d5e6f is gone'],
  ['addresses of memory', 'Fault at 0x7ffe0010', 'Fault at 0x1'],
  ['quoted strings', `Column "price" is 'x y'`, `Column "name" is ''`],
  ['paths', 'ENOENT: open /tmp/a/b.csv failed', 'ENOENT: open /var/data/2024/c.csv failed'],
  ['paths of Windows', 'cannot read C:\\a\\b.txt', 'cannot read D:\\c.txt'],
  ['urls', 'GET https://a.example/x?y=1 answered 502', 'GET http://b.example:8080/ answered 503'],
  ['names with digits', 'host worker-7f-a1 left', 'host worker-9c-b2 left'],
  ['white space', 'one\n  two', 'one two'],
]

describe('the fingerprint of a failure', () => {
  it.each(same)('is the same whatever the %s', (_, one, other) => {
    expect(levelled(one)).toBe(levelled(other))
    expect(fingerprintOf('t', error('c', one))).toBe(fingerprintOf('t', error('c', other)))
  })

  it('differs by type, by code and by words', () => {
    const prints = [
      fingerprintOf('t', error('c', 'no such table')),
      fingerprintOf('u', error('c', 'no such table')),
      fingerprintOf('t', error('d', 'no such table')),
      fingerprintOf('t', error('c', 'no such column')),
      fingerprintOf('t', null),
    ]
    expect(new Set(prints).size).toBe(prints.length)
    for (const print of prints) expect(print).toMatch(/^[0-9a-f]{16}$/)
  })

  it('leaves words as they are: an apostrophe quotes nothing', () => {
    expect(levelled("It can't be read and won't be")).toBe("It can't be read and won't be")
    expect(levelled('a decade of added defaced facades')).toBe('a decade of added defaced facades')
  })

  it('takes any error for what it is', () => {
    expect(readFailure('null' as JsonText)).toEqual({ code: '', message: '' })
    expect(readFailure('{"code":7,"message":"m"}' as JsonText)).toEqual({ code: '', message: 'm' })
  })

  it('is quick on texts that were made to make it slow', () => {
    for (const text of ['"', "'", 'a1', 'https://', '/', '0', 'f', ' ']) {
      expect(levelled(text.repeat(100_000)).length).toBeLessThanOrEqual(9_000)
    }
  })
})
