import { describe, expect, it } from 'vitest'
import { findSyntaxFault } from './json-syntax.ts'

describe('a text that should be JSON', () => {
  it('has no fault where it is', () => {
    for (const text of ['null', '[1, -2.5e3, "\\u00df"]', ' {"a": {"b": []}} '])
      expect(findSyntaxFault(text)).toBeNull()
  })

  it.each([
    ['{"a": 1,\n  "b" 2}', 2, 7, 'After a name a colon'],
    ['{\n  "a": 1,\n}', 3, 1, 'After the last member there is no comma'],
    ['[1 2]', 1, 4, 'Between two entries'],
    ["{'a': 1}", 1, 2, 'A name in double quotes'],
    ['{"a": yes}', 1, 7, 'A text needs double quotes'],
    ['{"a": "x\n"}', 1, 9, 'A line break in a text'],
    ['["abc', 1, 2, 'no closing quote'],
    ['', 1, 1, 'the text ends'],
    ['{} {}', 1, 4, 'Nothing may follow'],
    ['01', 1, 1, 'not a number'],
    ['"\\x"', 1, 2, 'A backslash'],
  ])('%j is at fault in line %i, column %i', (text, line, column, detail) => {
    const fault = findSyntaxFault(text)
    expect(fault).toMatchObject({ line, column })
    expect(fault?.detail).toContain(detail)
  })

  it('is at fault somewhere whenever the browser says so', () => {
    const good = JSON.stringify({ a: [1, true, 'x"y'], b: { c: null } })
    for (let at = 0; at < good.length; at += 1) {
      for (const broken of [
        good.slice(0, at),
        good.slice(0, at) + good.slice(at + 1),
        `${good.slice(0, at)}}${good.slice(at)}`,
      ]) {
        let isJson = true
        try {
          JSON.parse(broken)
        } catch {
          isJson = false
        }
        expect(findSyntaxFault(broken) === null).toBe(isJson)
      }
    }
  })
})
