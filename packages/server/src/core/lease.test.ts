import { expect, it } from 'vitest'
import { cancelGraceMs, deadlineGraceMs, leaseUntilMs } from './lease.ts'

const free = { nowMs: 1_000_000, leaseMs: 15_000, deadlineMs: null, cancelRequestedAtMs: null }

it('runs for the lease where nothing bounds it', () => {
  expect(leaseUntilMs(free)).toBe(1_015_000)
  expect(leaseUntilMs({ ...free, deadlineMs: 1_300_000, cancelRequestedAtMs: 999_000 })).toBe(1_015_000)
})

it('ends ten seconds after the deadline of the attempt', () => {
  expect(leaseUntilMs({ ...free, deadlineMs: 1_001_000 })).toBe(1_001_000 + deadlineGraceMs)
})

it('ends thirty seconds after a cancel mark', () => {
  expect(leaseUntilMs({ ...free, leaseMs: 60_000, cancelRequestedAtMs: 999_000 })).toBe(999_000 + cancelGraceMs)
})

it('ends with the earlier of both bounds, even in the past', () => {
  const marked = { ...free, leaseMs: 60_000, deadlineMs: 980_000, cancelRequestedAtMs: 999_000 }
  expect(leaseUntilMs(marked)).toBe(990_000)
})
