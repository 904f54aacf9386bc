import { describe, expect, it } from 'vitest'
import { type Asked, acceptedRecord, askedPriority, isSameContent, jsonText, type TaskDraft, taskId } from './task.ts'

const first: TaskDraft = {
  id: taskId('a'),
  type: 'mail',
  queue: 'default',
  name: null,
  description: null,
  payload: jsonText({ to: 'x', nested: { one: 1, two: [1, { p: 1, q: 2 }] } }),
  priority: 5,
  prioritySource: 'default',
  dependencies: [taskId('p1'), taskId('p2')],
  onDependencyFailure: 'cancel',
  timeoutMs: 300_000,
  maxRetries: 5,
  runAtMs: null,
  delayMs: null,
  labels: jsonText({ a: '1', b: '2' }),
  idempotencyKey: null,
  submittedBy: 'anna',
  isOwnOnly: false,
  trace: null,
}
const createdAtMs = 1_000_000

function isSame(again: Partial<TaskDraft>, asked: Partial<TaskDraft> = {}): boolean {
  const original = { ...first, ...asked }
  const runAtMs = original.delayMs === null ? original.runAtMs : createdAtMs + original.delayMs
  const record = acceptedRecord(original, { number: 1, state: 'blocked', error: null, createdAtMs, runAtMs })
  const kept: Asked = { priority: askedPriority(original), delayMs: original.delayMs, dueAtMs: runAtMs ?? createdAtMs }
  return isSameContent(
    { ...original, ...again },
    { ...record, runAtMs: 99, priority: 10, prioritySource: 'declared' },
    kept,
  )
}

describe('a repeated submit', () => {
  it('is the same whatever became of run_at and priority since, and whoever submits it', () => {
    expect(isSame({})).toBe(true)
    expect(isSame({ submittedBy: 'bob', trace: 'other' })).toBe(true)
  })

  it('is the same with its keys in another order, at every depth', () => {
    expect(isSame({ payload: jsonText({ nested: { two: [1, { q: 2, p: 1 }], one: 1 }, to: 'x' }) })).toBe(true)
    expect(isSame({ labels: jsonText({ b: '2', a: '1' }) })).toBe(true)
  })

  it('is another with another order of a list, a missing key, or null for a value', () => {
    expect(isSame({ payload: jsonText({ to: 'x', nested: { one: 1, two: [{ p: 1, q: 2 }, 1] } }) })).toBe(false)
    expect(isSame({ payload: jsonText({ to: 'x' }) })).toBe(false)
    expect(isSame({ payload: null })).toBe(false)
    expect(isSame({ dependencies: first.dependencies.toReversed() })).toBe(false)
    expect(isSame({ dependencies: first.dependencies.slice(1) })).toBe(false)
  })

  it('tells a declared priority from none and from another; a prediction may change', () => {
    expect(isSame({ prioritySource: 'declared' })).toBe(false)
    expect(isSame({}, { prioritySource: 'declared', priority: 3 })).toBe(true)
    expect(isSame({ priority: 4 }, { prioritySource: 'declared', priority: 3 })).toBe(false)
    expect(isSame({ priority: 7 }, { prioritySource: 'predicted', priority: 6 })).toBe(true)
  })

  it('tells a delay from an instant, and from another delay', () => {
    expect(isSame({}, { delayMs: 500 })).toBe(true)
    expect(isSame({ delayMs: 501 }, { delayMs: 500 })).toBe(false)
    expect(isSame({ delayMs: null, runAtMs: createdAtMs + 500 }, { delayMs: 500 })).toBe(false)
    expect(isSame({}, { runAtMs: 5_000_000 })).toBe(true)
    expect(isSame({ runAtMs: 5_000_001 }, { runAtMs: 5_000_000 })).toBe(false)
    expect(isSame({ runAtMs: null }, { runAtMs: 5_000_000 })).toBe(false)
  })
})

it('null and undefined are the absence of a text', () => {
  expect([jsonText(null), jsonText(undefined), jsonText(0), jsonText('')]).toEqual([null, null, '0', '""'])
})
