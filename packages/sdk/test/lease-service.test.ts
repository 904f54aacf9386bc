import { expect, it, onTestFinished } from 'vitest'
import { createLeaseMailbox, createLeaseOutbox } from '../src/worker/lease-mail.ts'
import type { LeaseReport } from '../src/worker/lease-messages.ts'
import { createLeaseService } from '../src/worker/lease-service.ts'
import { turns } from './held-worker.ts'
import { startSchedulerDouble } from './scheduler-double.ts'
import { createGate, until } from './until.ts'
import { createVirtualClock } from './virtual-clock.ts'

async function setup() {
  const clock = createVirtualClock(() => 0)
  const reports: LeaseReport[] = []
  const mailbox = createLeaseMailbox()
  const service = createLeaseService({
    workerId: 'w1',
    clock,
    mailbox,
    post: posted => reports.push(...posted.reports),
  })
  onTestFinished(service.end)
  let messages = 0
  const outbox = createLeaseOutbox(mailbox, commands => {
    messages += 1
    service.obey(commands)
  })
  const schedulers = [await startSchedulerDouble({}, onTestFinished), await startSchedulerDouble({}, onTestFinished)]
  for (const scheduler of schedulers) {
    scheduler.answer('POST', '/api/workers/w1/heartbeat', { cancel: [], lost: [], drain: false })
  }
  const [first, second] = schedulers
  if (first === undefined || second === undefined) throw new Error('unreachable')
  outbox.post([
    { kind: 'connect', urls: [first.url], token: 'secret' },
    { kind: 'terms', terms: { heartbeatMs: 1_000, leaseMs: 3_000 } },
    { kind: 'start' },
  ])
  return { clock, outbox, messages: () => messages, reports, first, second }
}

it('names what it was told to hold, never everything, and says what was confirmed', async () => {
  const { clock, outbox, reports, first } = await setup()
  clock.advance(1_000)
  await until('an idle worker beats', () => first.seenAt(/heartbeat/).length === 1)
  expect(first.seen[0]?.body).toMatchObject({ status: 'idle', current_tasks: [] })
  expect(first.seen[0]?.headers.authorization).toBe('Bearer secret')
  await until('it is confirmed', () => reports.length === 1)
  outbox.post([{ kind: 'hold', sinceMs: 1_000, taskIds: ['a', 'b'], epochs: [3, 4] }, { kind: 'draining' }])
  outbox.post([{ kind: 'drop', taskIds: ['a', 'b'], epochs: [3, 3] }])
  clock.advance(1_000)
  await until('it names what is left', () => first.seenAt(/heartbeat/).length === 2)
  expect(first.seen[1]?.body).toMatchObject({ status: 'draining', current_tasks: [{ task_id: 'b', epoch: 4 }] })
  await until('that is confirmed too', () => reports.length === 2)
  expect(reports).toEqual([
    { kind: 'round', holds: 0, sentMs: 1_000 },
    { kind: 'round', holds: 1, sentMs: 2_000 },
  ])
})

it('beats at the scheduler it was told last', async () => {
  const { clock, outbox, first, second } = await setup()
  clock.advance(1_000)
  await until('the first is asked', () => first.seenAt(/heartbeat/).length === 1)
  await turns()
  outbox.post([{ kind: 'connect', urls: [second.url], token: null }])
  clock.advance(1_000)
  await until('the second is asked', () => second.seenAt(/heartbeat/).length === 1)
  expect(first.seenAt(/heartbeat/)).toHaveLength(1)
})

it('beats at another scheduler by itself when one says nothing, long before a lease ends', async () => {
  const { clock, outbox, reports, first, second } = await setup()
  outbox.post([
    { kind: 'connect', urls: [first.url, second.url], token: null },
    { kind: 'terms', terms: { heartbeatMs: 5_000, leaseMs: 15_000 } },
    { kind: 'hold', sinceMs: 0, taskIds: ['a'], epochs: [3] },
  ])
  first.fail(/heartbeat/, 'hang')
  clock.advance(1_000)
  await until('the first is asked', () => first.seenAt(/heartbeat/).length === 1)
  // A quarter of the lease; no other thread has to say so.
  clock.advance(3_750)
  await until('the second is asked', () => second.seenAt(/heartbeat/).length === 1)
  expect(second.seen[0]?.body).toMatchObject({ current_tasks: [{ task_id: 'a', epoch: 3 }] })
  await until('it is confirmed', () => reports.length === 1)
  // No outage: one of them answered.
  expect(reports).toEqual([{ kind: 'round', holds: 1, sentMs: 1_000 }])
})

it('asks for nothing more until an unknown worker is known again', async () => {
  const { clock, outbox, reports, first } = await setup()
  const unknown = { code: 'worker_unknown', detail: 'No worker w1 is known.' }
  first.answer('POST', '/api/workers/w1/heartbeat', unknown, 404)
  clock.advance(1_000)
  await until('it says so', () => reports.length === 1)
  expect(reports).toEqual([{ kind: 'unknown' }])
  clock.advance(20_000)
  await turns()
  expect(first.seenAt(/heartbeat/)).toHaveLength(1)
  first.answer('POST', '/api/workers/w1/heartbeat', { cancel: [], lost: [], drain: false })
  outbox.post([{ kind: 'known' }])
  await until('it beats again', () => {
    clock.advance(10)
    return first.seenAt(/heartbeat/).length === 2
  })
})

it('finds what was written since, without being woken, before it beats', async () => {
  const { clock, outbox, messages, first } = await setup()
  clock.advance(900)
  outbox.post([{ kind: 'hold', sinceMs: 800, taskIds: ['a', 'b'], epochs: [3, 4] }])
  outbox.post([{ kind: 'drop', taskIds: ['a'], epochs: [3] }])
  clock.advance(100)
  await until('it beats', () => first.seenAt(/heartbeat/).length === 1)
  expect(first.seen[0]?.body).toMatchObject({ current_tasks: [{ task_id: 'b', epoch: 4 }] })
  expect(messages()).toBe(1)
})

it('loses nothing that was settled while the beat was under way', async () => {
  const { clock, outbox, reports, first } = await setup()
  const { opened, open } = createGate()
  first.answer('POST', '/api/workers/w1/heartbeat', { cancel: [], lost: ['a', 'b'], drain: false })
  first.fail(/heartbeat/, { until: opened })
  outbox.post([{ kind: 'hold', sinceMs: 0, taskIds: ['a', 'b'], epochs: [3, 4] }])
  clock.advance(1_000)
  await until('it beats', () => first.seenAt(/heartbeat/).length === 1)
  outbox.post([{ kind: 'drop', taskIds: ['a'], epochs: [3] }])
  open()
  await until('the reply is judged', () => reports.length >= 2)
  expect(reports.map(told => ('taskId' in told ? `${told.kind} ${told.taskId}` : told.kind))).toEqual([
    'lost b',
    'round',
  ])
})

it('ends in time what was written while no beat was due, and nothing that was settled by then', async () => {
  const { clock, outbox, reports, first } = await setup()
  const unknown = { code: 'worker_unknown', detail: 'No worker w1 is known.' }
  first.answer('POST', '/api/workers/w1/heartbeat', unknown, 404)
  clock.advance(1_000)
  await until('it waits until it is known', () => reports.length === 1)
  // Claimed half a lease ago: the oldest that may be.
  outbox.post([{ kind: 'hold', sinceMs: clock.monotonic() - 1_500, taskIds: ['a', 'b'], epochs: [1, 1] }])
  clock.advance(1_499)
  await turns()
  expect(reports).toHaveLength(1)
  outbox.post([{ kind: 'drop', taskIds: ['b'], epochs: [1] }])
  clock.advance(1)
  await until('it is over', () => reports.length === 2)
  await turns()
  expect(reports.slice(1)).toMatchObject([{ kind: 'fenced', taskId: 'a', epoch: 1 }])
})
