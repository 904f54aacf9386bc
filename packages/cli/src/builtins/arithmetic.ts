import { defineTask, PermanentError } from '@tasklane/sdk'
import { numberField, objectSchema } from './schema.ts'

const exact = Number.MAX_SAFE_INTEGER
const operand = numberField({ min: -exact, max: exact, description: 'A number within ±(2^53 − 1)' })
const operands = objectSchema({ x: operand, y: operand })

/** `{x, y}` → x + y. Whole numbers are exact; a result that could not be is refused for good. */
export const add = defineTask({
  type: 'add',
  input: operands,
  run: ({ x, y }) => exactOrRefuse(x + y, `${x} + ${y}`),
})

/** `{x, y}` → x · y, with the bounds of `add`. */
export const multiply = defineTask({
  type: 'multiply',
  input: operands,
  run: ({ x, y }) => exactOrRefuse(x * y, `${x} * ${y}`),
})

function exactOrRefuse(result: number, sum: string): number {
  if (Math.abs(result) > exact) {
    throw new PermanentError(
      `${sum} is beyond ±(2^53 − 1), where a JSON number is no longer exact; use smaller numbers.`,
    )
  }
  // JSON has no negative zero worth keeping.
  return result === 0 ? 0 : result
}
