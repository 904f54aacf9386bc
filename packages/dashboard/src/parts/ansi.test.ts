import { describe, expect, it } from 'vitest'
import { plainText, readAnsi } from './ansi.ts'

const e = '\u001b'

describe('a line with the colours of a terminal', () => {
  it('is read into pieces that look alike', () => {
    expect(readAnsi(`a${e}[1;31mb${e}[0mc`)).toEqual([
      { text: 'a', look: '' },
      { text: 'b', look: 'ansi-bold ansi-red' },
      { text: 'c', look: '' },
    ])
  })

  it('maps bright, indexed and true colours to the nearest of eight', () => {
    const looks = [`${e}[91mx`, `${e}[38;5;196mx`, `${e}[38;2;250;20;30mx`, `${e}[48;2;0;0;255mx`].map(
      line => readAnsi(line)[0]?.look,
    )
    expect(looks).toEqual(['ansi-red', 'ansi-red', 'ansi-red', 'ansi-on-blue'])
  })

  it('takes back what it is told to, and leaves out all that is no colour', () => {
    expect(readAnsi(`${e}[1;4;32ma${e}[22;24mb${e}[39mc${e}[2K${e}]0;title\u0007d${e}]8;;http://x${e}\\e`)).toEqual([
      { text: 'a', look: 'ansi-bold ansi-under ansi-green' },
      { text: 'b', look: 'ansi-green' },
      { text: 'c', look: '' },
      { text: 'd', look: '' },
      { text: 'e', look: '' },
    ])
    expect(plainText(`${e}[31mred${e}[0m, ${e}[2Kplain`)).toBe('red, plain')
  })

  it('never loses text, whatever follows an escape', () => {
    expect(plainText(`broken ${e}[31`)).toContain('broken')
    expect(plainText('no escape')).toBe('no escape')
  })
})
