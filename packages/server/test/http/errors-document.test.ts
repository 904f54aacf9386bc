import { readFileSync } from 'node:fs'
import { problems, taskErrorCodes } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'

const text = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8')

/** The rows of the table below a heading, cells without their code marks. */
function rowsBelow(heading: string): readonly (readonly string[])[] {
  const section = text.split(/^## /m).find(part => part.startsWith(heading)) ?? ''
  const lines = section.split('\n').filter(line => line.startsWith('| `'))
  return lines.map(line =>
    line
      .slice(1, -1)
      .split(' | ')
      .map(cell => cell.trim()),
  )
}

describe('docs/errors.md', () => {
  it('tells each problem with the status, the title and the way out of the table in the protocol', () => {
    const told = rowsBelow('Refusals')
    const expected = Object.entries(problems).map(([code, { status, title, help }]) => [
      `\`${code}\``,
      `${status}`,
      title,
      help,
    ])
    expect(told).toEqual(expected)
  })

  it('tells each code that the scheduler writes into the error of a task', () => {
    const told = rowsBelow('Errors of tasks')
    expect(told.map(([code, meaning]) => [code, meaning])).toEqual(
      Object.entries(taskErrorCodes).map(([code, meaning]) => [`\`${code}\``, meaning]),
    )
  })
})
