import { describe, expect, it, onTestFinished } from 'vitest'
import { until } from '../../../../test/support/processes.ts'
import { createOutbox, readNotice } from '../../src/brokers/postgres/notices.ts'
import { createPostgresBroker } from '../../src/brokers/postgres/postgres-broker.ts'
import type { Broker, Hint } from '../../src/ports/broker.ts'
import type { Log } from '../../src/ports/log.ts'
import { systemClock } from '../../src/system-clock.ts'
import { hasPostgres } from '../support/postgres-stores.ts'
import { type Nodes, openNodes } from './nodes.ts'

const ready = { kind: 'ready', queue: 'q', type: 't' } as const

describe('a notice', () => {
  it('gathers hints, each once, and is read by everybody but who sent it', () => {
    const outbox = createOutbox('me')
    for (const hint of [ready, ready, { kind: 'ended', taskIds: ['a', 'b'] } as const]) outbox.put(hint)
    outbox.put({ kind: 'ended', taskIds: ['b', 'ü'] })
    const notice = outbox.take() ?? ''
    expect(readNotice(notice, 'other')).toEqual([ready, { kind: 'ended', taskIds: ['a', 'b', 'ü'] }])
    expect(readNotice(notice, 'me')).toEqual([])
    expect([outbox.isEmpty(), outbox.take()]).toEqual([true, null])
  })

  it('says what else changed, and that nobody waits for it', () => {
    const outbox = createOutbox('me')
    const seen = [{ kind: 'changed', what: 'workers' } as const, { kind: 'changed', what: 'tasks' } as const]
    for (const hint of [...seen, ...seen]) outbox.put(hint)
    expect([outbox.isEmpty(), outbox.isUrgent()]).toEqual([false, false])
    outbox.put(ready)
    expect(outbox.isUrgent()).toBe(true)
    expect(readNotice(outbox.take() ?? '', 'other')).toEqual([ready, ...seen])
    expect([outbox.isEmpty(), outbox.isUrgent(), outbox.take()]).toEqual([true, false, null])
  })

  it.each([
    ['many', Array.from({ length: 5_000 }, (_, at) => `task-${at}`)],
    ['long', [`${'ü'.repeat(4_000)}`]],
    ['quoted', Array.from({ length: 700 }, (_, at) => `"${at}"\\`)],
  ])('of ids that are too %s for one is a resync', (_, taskIds) => {
    const outbox = createOutbox('me')
    outbox.put({ kind: 'ended', taskIds })
    const notice = outbox.take() ?? ''
    expect(Buffer.byteLength(notice)).toBeLessThan(8_000)
    expect(readNotice(notice, 'other')).toEqual([{ kind: 'resync' }])
    // The next one is small again.
    outbox.put(ready)
    expect(readNotice(outbox.take() ?? '', 'other')).toEqual([ready])
  })

  it.each([
    ['', [{ kind: 'resync' }]],
    ['garbage {', [{ kind: 'resync' }]],
    ['null', []],
    ['7', []],
    ['"text"', []],
    ['[]', []],
    ['{"n":"x","r":7,"e":{"a":1}}', []],
    [
      '{"n":"x","r":[null,7,"ab",[1,2],["q"],{},["q","t"]],"e":[null,3,"a"]}',
      [ready, { kind: 'ended', taskIds: ['a'] }],
    ],
    ['{"n":"x","all":"yes"}', []],
    ['{"n":"x","c":[7,"everything",null,"queues"]}', [{ kind: 'changed', what: 'queues' }]],
  ])('by another program does no harm: %s', (payload, hints) => {
    expect(readNotice(payload, 'me')).toEqual(hints)
  })
})

describe.skipIf(!(await hasPostgres()))('hints', () => {
  it('are heard by other nodes, and not by one’s own', async () => {
    const cluster = await openNodes(0)
    const [one, other] = [await listen(cluster), await listen(cluster)]
    one.broker.publish([ready, { kind: 'ended', taskIds: ['a'] }])
    await untilHeard(other, [ready, { kind: 'ended', taskIds: ['a'] }])
    other.broker.publish([{ kind: 'ended', taskIds: ['b'] }])
    await untilHeard(one, [{ kind: 'ended', taskIds: ['b'] }])
    expect(other.heard).not.toContainEqual({ kind: 'ended', taskIds: ['b'] })
    expect(one.heard).not.toContainEqual(ready)
    expect(await one.broker.countNodes()).toBe(2)
  })

  it('that nobody waits for are heard, too, and hold up none that somebody waits for', async () => {
    const cluster = await openNodes(0)
    const [one, other] = [await listen(cluster), await listen(cluster)]
    const changed = { kind: 'changed', what: 'tasks' } as const
    one.broker.publish([changed])
    await untilHeard(other, [changed])
    other.heard.length = 0
    // The next idle one waits for its time; what is urgent does not, and takes it along.
    one.broker.publish([{ kind: 'changed', what: 'queues' }])
    one.broker.publish([ready])
    await untilHeard(other, [ready])
    expect(other.heard).toEqual([ready, { kind: 'changed', what: 'queues' }])
  })

  it('that are too many tell everybody to look at everything', async () => {
    const cluster = await openNodes(0)
    const [one, other] = [await listen(cluster), await listen(cluster)]
    other.heard.length = 0
    one.broker.publish([{ kind: 'ended', taskIds: Array.from({ length: 3_000 }, (_, at) => `task-${at}`) }])
    await untilHeard(other, [{ kind: 'resync' }])
  })

  it('go on, after a look at everything, when their connection was ended', async () => {
    const cluster = await openNodes(0)
    const [one, other] = [await listen(cluster), await listen(cluster)]
    other.heard.length = 0
    await cluster.ask(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'tasklane hints'`)
    await untilHeard(other, [{ kind: 'resync' }])
    await until(
      () => [one.broker.status(), other.broker.status()],
      states => states.every(status => status === 'connected'),
      () => 'both to be connected again',
    )
    one.broker.publish([ready])
    await untilHeard(other, [ready])
  })

  it('by other programs do no harm', async () => {
    const cluster = await openNodes(0)
    const [one, other] = [await listen(cluster), await listen(cluster)]
    for (const payload of ['', 'garbage', '{"r":[[]]}', 'null', '{"e":"a"}']) {
      await cluster.ask('SELECT pg_notify($1, $2)', 'tasklane_hints', payload)
    }
    one.broker.publish([ready])
    await untilHeard(other, [ready])
    expect(new Set(other.heard.map(({ kind }) => kind))).toEqual(new Set(['resync', 'ready']))
  })

  it('end with their broker, also while it connects', async () => {
    const cluster = await openNodes(0)
    const brokers = Array.from({ length: 5 }, () => open(cluster.url))
    // One when it is connected, the others wherever they are.
    await until(
      () => brokers[0]?.status(),
      status => status === 'connected',
      () => 'the first to be connected',
    )
    brokers.push(open(cluster.url))
    await Promise.all(brokers.map(broker => broker.close()))
    for (const broker of brokers) broker.publish([ready])
    await until(
      () =>
        cluster.ask(`SELECT pid FROM pg_stat_activity WHERE application_name = 'tasklane hints'
        AND datname = current_database()`),
      left => left.length === 0,
      () => 'their connections to go',
    )
  })
})

const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

function open(url: string): Broker {
  return createPostgresBroker({ url, clock: systemClock, log: silent })
}

/** A broker that is connected, and everything that it tells. */
async function listen({ url }: Nodes): Promise<{ readonly broker: Broker; readonly heard: Hint[] }> {
  const broker = open(url)
  onTestFinished(() => broker.close())
  const heard: Hint[] = []
  broker.listen(hint => heard.push(hint))
  await untilHeard({ heard }, [{ kind: 'resync' }])
  return { broker, heard }
}

async function untilHeard({ heard }: { readonly heard: readonly Hint[] }, hints: readonly Hint[]): Promise<void> {
  const texts = hints.map(hint => JSON.stringify(hint))
  await until(
    () => heard.map(hint => JSON.stringify(hint)),
    told => texts.every(text => told.includes(text)),
    () => `${texts.join(', ')} to be heard`,
  )
}
