import { expect } from 'vitest'
import type { Reply } from './client.ts'
import { problemFault } from './problem-fault.ts'

/** A refusal must be a whole problem that tells a person what to do and nothing about our insides. */
export function expectProblem(reply: Pick<Reply, 'status' | 'headers' | 'text'>, what: string): void {
  const fault = problemFault(reply)
  expect(fault, `${what}: ${reply.text.slice(0, 500)}`).toBe(null)
}

export function codeOf(reply: Pick<Reply, 'body'>): unknown {
  return Reflect.get(Object(reply.body), 'code')
}
