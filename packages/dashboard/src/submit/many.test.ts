import type { BatchReply } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { countOfBatch, readMany, sendMany } from './many.ts'

const base = { task_type: 'add', queue: 'q', idempotency_key: 'one', payload: { x: 0 } }

describe('many tasks at once', () => {
  it('are read from a list or from lines, as payloads or as whole tasks', () => {
    const wanted = [
      { task_type: 'add', queue: 'q', payload: { x: 1 } },
      { task_type: 'mail', queue: 'own', payload: null },
    ]
    const one = '{"x": 1}'
    const other = '{"task_type": "mail", "queue": "own", "payload": null}'
    expect(readMany(`[${one}, ${other}]`, base)).toEqual({ tasks: wanted, faults: [] })
    expect(readMany(`${one}\n\n${other}\n`, base)).toEqual({ tasks: wanted, faults: [] })
    expect(readMany('', base)).toEqual({ tasks: [], faults: [] })
  })

  it('are at fault by their lines', () => {
    expect(readMany('1\n{"x" 2}', base).faults[0]).toContain('Line 2, column 6')
    expect(readMany('[1,\n2', base).faults[0]).toContain('Line 2, column 2')
    expect(readMany('1', { ...base, task_type: '' }).faults[0]).toContain('Line 1 names no task_type')
    expect(readMany(`[${Array.from({ length: 10_001 }, () => 1).join()}]`, base).faults[0]).toContain('10001 tasks')
  })

  it('are sent in batches, and each has its own outcome', async () => {
    const tasks = Array.from({ length: 600 }, (_, x) => ({ task_type: 'add', payload: x }))
    const sizes: number[] = []
    const reply = (batch: { tasks: readonly object[] }): Promise<BatchReply> => {
      sizes.push(batch.tasks.length)
      const receipts = batch.tasks.map((_, at) =>
        at === 0
          ? { task_id: null, status: null, outcome: 'refused' as const, error: { code: 'x', detail: 'No' } }
          : { task_id: 't', status: 'pending' as const, outcome: 'created' as const },
      )
      return Promise.resolve({ tasks: receipts })
    }
    const seen: number[] = []
    const outcome = await sendMany(tasks, reply, now => seen.push(now.sent), new AbortController().signal)
    expect(sizes).toEqual([250, 250, 100])
    expect(seen).toEqual([250, 500, 600])
    expect(outcome).toMatchObject({ created: 597, existing: 0 })
    expect(outcome.refused.map(each => each.index)).toEqual([0, 250, 500])
  })

  it('stop where somebody says so, and never make a call too large', async () => {
    const control = new AbortController()
    control.abort()
    const outcome = await sendMany(
      [{ task_type: 'a' }],
      () => Promise.reject(new Error('not to be called')),
      () => {},
      control.signal,
    )
    expect(outcome.sent).toBe(0)
    const large = Array.from({ length: 5 }, () => ({ task_type: 'a', payload: 'x'.repeat(1_500_000) }))
    expect(countOfBatch(large, 0)).toBe(2)
  })
})
