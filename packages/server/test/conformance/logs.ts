import { limits } from '@tasklane/protocol'
import { expect } from 'vitest'
import { taskId, workerId } from '../../src/core/task.ts'
import type { LogDraft } from '../../src/ports/store.ts'
import { draft } from '../support/drafts.ts'
import type { Topic } from './topic.ts'

const w1 = workerId('w1')

function line(task: string, epoch: number, message: string, atMs: number | null = null): LogDraft {
  return { taskId: taskId(task), epoch, level: 'info', message, atMs }
}

export const logsTopic: Topic = test => {
  test('keeps lines in their order, numbered from one', async bench => {
    await bench.submitAndClaim([draft('a'), draft('b')])
    const at = bench.clock.now()
    const lines = [
      line('a', 1, 'one'),
      { ...line('a', 1, 'two — 😀', at - 500), level: 'error' } as const,
      line('b', 1, 'x'),
    ]
    expect(await bench.store.appendLogs(w1, lines)).toBe(3)
    await bench.clock.advance(10)
    expect(await bench.store.appendLogs(w1, [line('a', 1, 'three')])).toBe(1)
    expect(await bench.store.logs(taskId('a'), 0, 10)).toEqual([
      { line: 1, epoch: 1, atMs: at, level: 'info', message: 'one' },
      { line: 2, epoch: 1, atMs: at - 500, level: 'error', message: 'two — 😀' },
      { line: 3, epoch: 1, atMs: at + 10, level: 'info', message: 'three' },
    ])
  })

  test('reads on after a line, as many as asked for', async bench => {
    await bench.submitAndClaim(draft('a'))
    await bench.store.appendLogs(
      w1,
      ['1', '2', '3', '4'].map(message => line('a', 1, message)),
    )
    const read = async (after: number, limit: number) =>
      (await bench.store.logs(taskId('a'), after, limit))?.map(each => each.message)
    expect(await read(0, 2)).toEqual(['1', '2'])
    expect(await read(2, 2)).toEqual(['3', '4'])
    expect(await read(4, 2)).toEqual([])
  })

  test('drops lines of leases that the worker does not hold', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    const done = await bench.submitAndClaim(draft('done'))
    await bench.complete(done)
    await bench.submitAndClaim(draft('theirs'), { worker: 'w2' })
    const lines = [
      line('a', 2, 'x'),
      line('ghost', 1, 'x'),
      line('done', 1, 'x'),
      line('theirs', 1, 'x'),
      line('a', 1, 'y'),
    ]
    expect(await bench.store.appendLogs(w1, lines)).toBe(1)
    expect(await bench.store.logs(a.id, 0, 10)).toMatchObject([{ line: 1, message: 'y' }])
    expect(await bench.store.logs(done.id, 0, 10)).toEqual([])
  })

  test('goes on counting lines over attempts', async bench => {
    const a = await bench.submitAndClaim(draft('a'))
    await bench.store.appendLogs(w1, [line('a', 1, 'first try')])
    await bench.fail(a, 0)
    await bench.claimOne()
    await bench.store.appendLogs(w1, [line('a', 2, 'second try')])
    expect(await bench.store.logs(a.id, 0, 10)).toMatchObject([
      { line: 1, epoch: 1 },
      { line: 2, epoch: 2 },
    ])
  })

  test('keeps so many lines a task and no more', async bench => {
    const a = await bench.submitAndClaim([draft('a'), draft('b')])
    const most = limits.logLinesPerTaskMax
    for (let at = 0; at < most - 500; at += 500) {
      await bench.store.appendLogs(
        w1,
        Array.from({ length: 500 }, () => line('b', 1, 'x')),
      )
    }
    const lines = Array.from({ length: 600 }, () => line('b', 1, 'x'))
    expect(await bench.store.appendLogs(w1, [...lines, line('a', 1, 'another task')])).toBe(501)
    expect(await bench.store.appendLogs(w1, [line('b', 1, 'one more')])).toBe(0)
    expect(await bench.store.logs(a.id, most - 1, 10)).toMatchObject([{ line: most }])
  })
}
