import { describe, expect, it } from 'vitest'
import { add, multiply } from '../src/builtins/arithmetic.ts'
import { upperCase } from '../src/builtins/text.ts'
import { noop, simulate } from '../src/builtins/waiting.ts'
import { attempt } from './run-task.ts'

describe('a built-in type that is called with args and kwargs', () => {
  it.each([
    [[1, 2], {}],
    [[1], { y: 2 }],
    [[], { y: 2, x: 1 }],
  ])('takes %j and %j by position and by name', async (args, kwargs) => {
    expect(await attempt(add, { args, kwargs })).toBe(3)
    expect(await attempt(multiply, { args, kwargs })).toBe(2)
  })

  it('takes what it needs from one argument, or none', async () => {
    expect(await attempt(upperCase, { args: ['straße'], kwargs: {} })).toBe('STRASSE')
    expect(await attempt(noop, { args: [1, 2, 3], kwargs: {} })).toBeNull()
    expect(await attempt(simulate, { args: [0], kwargs: { other: 1 } })).toMatchObject({ slept: 0 })
  })

  it.each([
    [{ args: [1, 2, 3], kwargs: {} }, 'args: has 3 values; this type takes up to 2'],
    [{ args: [1], kwargs: { x: 2, y: 3 } }, "args: gives 'x', which kwargs gives, too"],
    [{ args: [1], kwargs: {} }, 'y: is missing'],
    [{ args: ['1', 2], kwargs: {} }, 'x: must be a number, not "1"'],
    [{ args: [1, 2], kwargs: { z: 3 } }, "z: is not known here; this type takes 'x', 'y'"],
    [{ args: [1, 2] }, "args: is not known here; this type takes 'x', 'y'"],
    [{ args: {}, kwargs: {} }, "args: is not known here; this type takes 'x', 'y'"],
  ])('refuses %j', async (payload, sentence) => {
    await expect(attempt(add, payload)).rejects.toThrow(sentence)
  })
})
