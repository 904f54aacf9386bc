import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { mutants } from './mutants.ts'
import { replaceOnce, root } from './sandbox.ts'

// Whether each is caught takes a minute: npm run simulate:mutants.
describe('the faults made on purpose', () => {
  it.each(mutants)('still apply: $name ($store)', mutant => {
    const text = readFileSync(join(root, mutant.file), 'utf8')
    expect(replaceOnce(text, mutant)).not.toBe(text)
  })

  it('cannot go stale unnoticed', () => {
    const mutant = { file: 'a.ts', find: 'x', replace: 'y' }
    expect(() => replaceOnce('a', mutant)).toThrow('0 times')
    expect(() => replaceOnce('xx', mutant)).toThrow('2 times')
  })
})
