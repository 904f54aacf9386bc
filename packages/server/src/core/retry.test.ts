import { limits } from '@tasklane/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backOffMs, decideFailure, decideLoss, retryPolicyDefault } from './retry.ts'
import { taskErrorText } from './task.ts'

const error = taskErrorText('timeout')
const failure = { error, isTimeout: false, isRetryable: true, retryAfterMs: null }
const plain = { ...retryPolicyDefault, jitter: 0 }
const loss = { pastDeadline: false, detail: 'Gone.' }

describe('a failure', () => {
  it('is retried as often as is allowed: n retries are n + 1 attempts', () => {
    for (const maxRetries of [0, 1, 5]) {
      const kinds = Array.from({ length: maxRetries + 1 }, (_, at) => {
        return decideFailure({ attempt: at + 1, crashes: 0, maxRetries }, failure, plain, 0.5).kind
      })
      expect(kinds).toEqual([...Array(maxRetries).fill('retry'), 'failed'])
    }
  })

  it('backs off by doubling, from the first retry on', () => {
    const delays = [1, 2, 3, 4, 5].map(attempt => {
      const decision = decideFailure({ attempt, crashes: 0, maxRetries: 5 }, failure, plain, 0.5)
      return decision.kind === 'retry' ? decision.delayMs : null
    })
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000])
  })

  it('costs nothing of the crashes, and crashes cost nothing of the retries', () => {
    const facts = { attempt: 3, crashes: 2, maxRetries: 1 }
    expect(decideFailure(facts, failure, plain, 0.5)).toEqual({ kind: 'retry', delayMs: 1_000, error, as: 'failed' })
    expect(decideFailure({ ...facts, attempt: 4 }, failure, plain, 0.5).kind).toBe('failed')
  })

  it('is final where it is permanent, and waits as the worker says', () => {
    const facts = { attempt: 1, crashes: 0, maxRetries: 5 }
    expect(decideFailure(facts, { ...failure, isRetryable: false }, plain, 0.5)).toEqual({
      kind: 'failed',
      error,
      as: 'failed',
    })
    expect(decideFailure(facts, { ...failure, retryAfterMs: 0 }, plain, 0.5)).toMatchObject({
      kind: 'retry',
      delayMs: 0,
    })
    expect(decideFailure(facts, { ...failure, retryAfterMs: 77 }, plain, 0.5)).toMatchObject({ delayMs: 77 })
    expect(decideFailure(facts, { ...failure, isTimeout: true }, plain, 0.5)).toMatchObject({ as: 'timeout' })
  })
})

describe('a loss', () => {
  it('is a crash that goes back at once, until the third', () => {
    const decide = (crashes: number) => decideLoss({ attempt: crashes + 1, crashes, maxRetries: 0 }, loss, plain, 0.5)
    expect(decide(0)).toMatchObject({ kind: 'retry', delayMs: 0, as: 'crashed' })
    expect(decide(limits.crashesMax - 2)).toMatchObject({ kind: 'retry', as: 'crashed' })
    const last = decide(limits.crashesMax - 1)
    expect(last).toMatchObject({ kind: 'failed', as: 'crashed' })
    expect(JSON.parse(last.error)).toEqual({ code: 'poisoned', message: expect.stringContaining('3 times. Gone.') })
  })

  it('is a failure of the code where the deadline had passed', () => {
    const late = { ...loss, pastDeadline: true }
    const facts = { attempt: 1, crashes: 2, maxRetries: 1 }
    expect(decideLoss({ ...facts, attempt: 3 }, late, plain, 0.5)).toMatchObject({
      kind: 'retry',
      delayMs: 1_000,
      as: 'timeout',
    })
    expect(decideLoss({ ...facts, attempt: 4 }, late, plain, 0.5)).toMatchObject({ kind: 'failed', as: 'timeout' })
  })
})

it('the back-off stays around its middle, below its cap, and never shrinks with more failures', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 200 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (failures, random) => {
        const delay = backOffMs(failures, retryPolicyDefault, random)
        const middle = backOffMs(failures, plain, 0)
        expect(delay).toBeGreaterThanOrEqual(Math.floor(middle * 0.9))
        expect(delay).toBeLessThanOrEqual(Math.ceil(middle * 1.1))
        expect(middle).toBeLessThanOrEqual(plain.capMs)
        expect(backOffMs(failures + 1, plain, 0)).toBeGreaterThanOrEqual(middle)
      },
    ),
  )
})
