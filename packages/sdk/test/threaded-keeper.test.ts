import { describe, expect, it } from 'vitest'
import type { LeaseEvents, LeaseKeeper } from '../src/worker/lease-keeper.ts'
import type { LeaseCommand, LeaseReport, StartLeaseThread } from '../src/worker/lease-messages.ts'
import { createLoggedOutages } from '../src/worker/link.ts'
import { createThreadedKeeper } from '../src/worker/threaded-keeper.ts'
import { createVirtualClock } from './virtual-clock.ts'
import { collectLog } from './worker-setup.ts'

const a = { taskId: 'a', epoch: 1 }
const b = { taskId: 'b', epoch: 1 }

/** The keeper on the handlers' thread, with both its neighbours in the hands of the test. */
function setup(startThread?: StartLeaseThread) {
  const clock = createVirtualClock()
  const { logger, told } = collectLog()
  const happened: string[] = []
  const note =
    (what: string): LeaseEvents['onLost'] =>
    ({ taskId, epoch }) =>
      void happened.push(`${what} ${taskId}/${epoch}`)
  const events: LeaseEvents = {
    onCancel: lease => note('cancel')(lease, ''),
    onLost: note('lost'),
    onFenced: note('fenced'),
    onDrain: () => void happened.push('drain'),
    onWorkerUnknown: () => Promise.resolve(),
  }
  const posted: LeaseCommand[][] = []
  const local: string[] = []
  let listeners: Parameters<StartLeaseThread>[1] | null = null
  const keeper = createThreadedKeeper({
    workerId: 'w1',
    urls: ['http://127.0.0.1:1'],
    token: null,
    clock,
    logger,
    events,
    outages: createLoggedOutages(logger),
    startThread:
      startThread ??
      ((_, heard) => {
        listeners = heard
        return { post: commands => void posted.push([...commands]), stop: async () => {} }
      }),
    createLocal: () => createLocalDouble(local),
  })
  keeper.start()
  posted.length = 0
  const report = (...reports: LeaseReport[]) => listeners?.onReports({ postedMs: clock.monotonic(), reports })
  const reportAt = (postedMs: number, ...reports: LeaseReport[]) => listeners?.onReports({ postedMs, reports })
  return { clock, keeper, told, happened, posted, local, report, reportAt, end: (why: string) => listeners?.onEnd(why) }
}

function createLocalDouble(calls: string[]): LeaseKeeper {
  return {
    setTerms: () => {},
    start: () => void calls.push('start'),
    hold: (leases, sinceMs) => void calls.push(`hold ${leases.map(lease => lease.taskId).join()} since ${sinceMs}`),
    drop: leases => void calls.push(`drop ${leases.map(lease => lease.taskId).join()}`),
    report: lease => void calls.push(`report ${lease.taskId}`),
    setDraining: () => void calls.push('draining'),
    stop: async () => void calls.push('stop'),
  }
}

describe('what the thread is told', () => {
  it('is what a claim brought, at once and in one message', () => {
    const { keeper, posted } = setup()
    keeper.hold([a, b], 7)
    expect(posted).toEqual([[{ kind: 'hold', sinceMs: 7, taskIds: ['a', 'b'], epochs: [1, 1] }]])
  })

  it('is what was settled, at once too, and only what was held', () => {
    const { keeper, posted } = setup()
    keeper.hold([a, b], 0)
    keeper.drop([a, { taskId: 'b', epoch: 9 }])
    keeper.drop([a])
    expect(posted.slice(1)).toEqual([[{ kind: 'drop', taskIds: ['a'], epochs: [1] }]])
  })

  it('is progress, the latest of each a moment after the last time', () => {
    const { keeper, posted, clock } = setup()
    keeper.hold([a, b], 0)
    keeper.report(a, { percent: 1 })
    for (let percent = 2; percent <= 40; percent += 1) keeper.report(a, { percent })
    keeper.report(b, { percent: 5 })
    keeper.drop([b])
    expect(posted.slice(1).map(([command]) => command?.kind)).toEqual(['progress', 'drop'])
    clock.advance(50)
    expect(posted[3]).toEqual([{ kind: 'progress', progress: [{ percent: 40 }], taskIds: ['a'], epochs: [1] }])
  })

  it('is progress also while the handler gives the event loop no turn', () => {
    const { keeper, posted, clock } = setup()
    keeper.hold([a, b], 0)
    for (let percent = 1; percent <= 40; percent += 1) keeper.report(a, { percent })
    expect(posted).toHaveLength(2)
    // Time passes, but no timer is called: as in a handler that computes.
    clock.skip(60)
    keeper.report(b, { percent: 5 })
    expect(posted[2]).toEqual([
      { kind: 'progress', progress: [{ percent: 40 }, { percent: 5 }], taskIds: ['a', 'b'], epochs: [1, 1] },
    ])
  })
})

describe('what the thread tells', () => {
  it('reaches the handlers of what is held', () => {
    const { keeper, happened, report } = setup()
    keeper.hold([a, b], 0)
    report(
      { kind: 'cancel', ...a },
      { kind: 'lost', ...a, why: '' },
      { kind: 'fenced', ...b, why: '' },
      { kind: 'drain' },
    )
    expect(happened).toEqual(['cancel a/1', 'lost a/1', 'fenced b/1', 'drain'])
  })

  it('is nothing to a task that was settled meanwhile, or claimed again', () => {
    const { keeper, happened, report } = setup()
    keeper.hold([a, b], 0)
    keeper.drop([a])
    keeper.hold([{ taskId: 'b', epoch: 2 }], 5)
    expect(happened).toEqual(['lost b/1'])
    report({ kind: 'lost', ...a, why: '' }, { kind: 'fenced', ...b, why: '' }, { kind: 'cancel', ...b })
    expect(happened).toEqual(['lost b/1'])
  })

  it('is said once of an outage, whichever line notices', () => {
    const { report, told } = setup()
    const outage: LeaseReport = { kind: 'outage', code: 'UnreachableError', message: 'It is away.' }
    report(outage, outage, { kind: 'outage_over' })
    expect(told).toEqual(['warn: It is away. The worker keeps trying.', 'info: The scheduler answers again.'])
  })

  it('shows a block of the event loop, which is told once', () => {
    const { clock, reportAt, told } = setup()
    clock.skip(12_000)
    for (const postedMs of [1_000, 6_000, 11_000]) reportAt(postedMs, { kind: 'round', holds: 0, sentMs: postedMs })
    expect(told).toHaveLength(1)
    expect(told[0]).toContain('The event loop was blocked for 11.0 s or more.')
    clock.advance(10)
    reportAt(12_005, { kind: 'round', holds: 0, sentMs: 12_000 })
    expect(told).toHaveLength(1)
  })
})

describe('without a thread', () => {
  it('leases are kept here from the start, and one warning says so', () => {
    const { keeper, told, local } = setup(() => {
      throw new Error('Access to this API has been restricted.')
    })
    keeper.hold([a], 3)
    keeper.drop([a])
    keeper.setDraining()
    expect(local).toEqual(['start', 'hold a since 3', 'drop a', 'draining'])
    expect(told).toHaveLength(1)
    expect(told[0]).toMatch(/^warn: Heartbeats have no thread of their own: Access .* restricted\. They come from/)
  })

  it('leases are taken over when it ends, each from what was last confirmed of it', () => {
    const { clock, keeper, told, local, report, end } = setup()
    keeper.hold([a], 0)
    keeper.hold([b], 1_000)
    report({ kind: 'round', holds: 1, sentMs: 5_000 })
    clock.advance(6_000)
    keeper.hold([{ taskId: 'c', epoch: 1 }], 6_000)
    keeper.drop([b])
    keeper.report(a, { percent: 1 })
    keeper.report(a, { percent: 2 })
    end('out of memory.')
    end('it has ended with code 1')
    expect(local).toEqual(['hold a since 5000', 'hold c since 6000', 'start', 'report a'])
    expect(told).toHaveLength(1)
    // What it still had to say counts no more.
    report({ kind: 'lost', ...a, why: '' })
    keeper.drop([a])
    expect(local.at(-1)).toBe('drop a')
  })

  it('nothing is taken over when the worker has stopped', async () => {
    const { keeper, told, local, end } = setup()
    await keeper.stop()
    end('it has ended with code 1')
    expect({ told, local }).toEqual({ told: [], local: [] })
  })
})
