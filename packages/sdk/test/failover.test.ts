import { describe, expect, it, onTestFinished } from 'vitest'
import { openLink } from '../../../test/chaos/proxy.ts'
import { defineTask, TasklaneClient, TasklaneWorker, UnreachableError } from '../src/index.ts'
import { turns } from './held-worker.ts'
import { problem, type SchedulerDouble, startSchedulerDouble } from './scheduler-double.ts'
import { until } from './until.ts'
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts'
import { collectLog } from './worker-setup.ts'

describe('a client of several schedulers', () => {
  it('begins with one by chance', async () => {
    const nodes = [await start(), await start(), await start()]
    for (const random of [0, 0.4, 0.99])
      await clientOf(
        nodes,
        createVirtualClock(() => random),
      ).client.get('a')
    expect(nodes.map(node => node.seen.length)).toEqual([1, 1, 1])
  })

  it('stays with the one that answers', async () => {
    const { client, first, second } = await setup()
    for (let calls = 0; calls < 3; calls += 1) await client.get('a')
    expect([first.seen.length, second.seen.length]).toEqual([3, 0])
  })

  // The clock stands still: a pause before the next scheduler would last for ever.
  it('asks the next at once when one refuses connections', async () => {
    const { client, first, second } = await setup()
    await first.goAway()
    expect(await client.submit('noop')).toMatchObject({ outcome: 'created' })
    await client.get('a')
    expect(second.seen).toHaveLength(2)
  })

  it('repeats a submit elsewhere, under its id, when its reply is lost', async () => {
    const { client, first, second } = await setup()
    first.fail(/batch/, 'lose_reply')
    const { taskId } = await client.submit('noop')
    expect(first.stored(taskId)).toBeDefined()
    expect(second.stored(taskId)).toBeDefined()
  })

  it.each(['stopping', 'store_unavailable', 'overloaded'] as const)('asks the next after a 503 `%s`', async code => {
    const { client, first, second } = await setup()
    const { status, body } = problem(code, 'Not now.')
    first.fail(/cancel/, { status, body: JSON.stringify(body) })
    second.add({ task_type: 'noop', task_id: 'b' })
    // A verb is not repeatable, but nothing was done.
    expect(await client.cancel('b')).toMatchObject({ status: 'cancelled' })
  })

  it('repeats no verb that may have been done', async () => {
    const { client, first, second } = await setup()
    first.fail(/retry/, 'lose_reply')
    await expect(client.retry('a')).rejects.toMatchObject({
      name: 'UnreachableError',
      wasSent: true,
      urls: [first.url],
    })
    expect(second.seen).toHaveLength(0)
  })

  it('repeats no verb after a 503 `outcome_unknown`, and every other call', async () => {
    const { client, first, second } = await setup()
    const { status, body } = problem('outcome_unknown', 'The commit was not answered.')
    first.fail(/retry/, { status, body: JSON.stringify(body) })
    await expect(client.retry('a')).rejects.toMatchObject({ code: 'outcome_unknown', status: 503 })
    expect(second.seen).toHaveLength(0)
    second.add({ task_type: 'noop', task_id: 'b' })
    first.fail(/tasks/, { status, body: JSON.stringify(body) })
    expect(await client.get('b')).toMatchObject({ task_id: 'b' })
  })

  it('rests with jitter when all have failed, and begins anew', async () => {
    const { client, first, second, clock } = await setup()
    await Promise.all([first.goAway(), second.goAway()])
    const got = client.get('a')
    await until('all have been asked', () => clock.pending() > 0)
    await second.comeBack()
    clock.advance(100)
    expect(await got).toMatchObject({ task_id: 'a' })
  })

  it('tells all it has asked when none answers, and whether anything was sent', async () => {
    const { client, first, second } = await setup({ retries: 1 })
    first.fail(/tasks/, 'lose_request')
    await second.goAway()
    const got = client.get('a').catch((error: unknown) => error)
    const error = await got
    expect(error).toBeInstanceOf(UnreachableError)
    expect(error).toMatchObject({ urls: [first.url, second.url], wasSent: true })
  })
})

describe('a scheduler that takes connections and says nothing', () => {
  it('is left within five seconds', async () => {
    const { client, link, second, clock } = await setupSilent()
    link.setMode('stall')
    const got = client.get('a')
    await until('the call is under way', () => link.hits() > 0)
    clock.advance(3_000)
    await until('a sign of life is asked for', () => link.hits() > 1)
    clock.advance(2_000)
    expect(await got).toMatchObject({ task_id: 'a' })
    expect(second.seen).toHaveLength(1)
  })

  it('is not one that takes its time', async () => {
    const { client, first, second, clock } = await setup()
    let answer = (): void => {}
    first.fail(/tasks/, { until: new Promise<void>(resolve => (answer = resolve)) })
    const got = client.get('a')
    await until('the call is under way', () => first.seen.length === 1)
    for (let asked = 1; asked <= 3; asked += 1) {
      clock.advance(3_000)
      await until('a sign of life is asked for', () => first.seenAt(/livez/).length === asked)
      // Of the question nothing is left, of the call its time limit and the next look.
      await until('it has come', () => clock.pending() === 2)
    }
    answer()
    expect(await got).toMatchObject({ task_id: 'a' })
    expect(second.seen).toHaveLength(0)
  })

  it('is not asked while it answers, nor when it is the only one', async () => {
    const { client, first, clock } = await setup()
    await client.get('a')
    clock.advance(60_000)
    await turns()
    expect(first.seenAt(/livez/)).toHaveLength(0)
    const { client: lone } = clientOf([first], clock)
    first.fail(/tasks/, 'hang')
    const got = lone.get('a')
    await until('it is asked', () => first.seenAt(/tasks/).length === 2)
    clock.advance(29_000)
    await turns()
    expect(first.seenAt(/livez/)).toHaveLength(0)
    clock.advance(1_000)
    await until('it waits for another try', () => clock.pending() === 1)
    clock.advance(100)
    expect(await got).toMatchObject({ task_id: 'a' })
  })

  it('does not keep a wait for a result', async () => {
    const { client, link, second, clock } = await setupSilent()
    link.setMode('stall')
    const waited = client.wait('b')
    second.add({ task_type: 'noop', task_id: 'b' })
    await until('the wait is under way', () => link.hits() > 0)
    clock.advance(3_000)
    await until('a sign of life is asked for', () => link.hits() > 1)
    clock.advance(2_000)
    // Nothing else is timed then.
    await until('it rests', () => clock.pending() === 1)
    clock.advance(100)
    await until('it waits elsewhere', () => second.seenAt(/result/).length === 1)
    const stored = second.stored('b')
    stored.task = { ...stored.task, status: 'completed' }
    second.wake()
    expect(await waited).toMatchObject({ status: 'completed' })
  })
})

describe('a scheduler that has failed', () => {
  it('is returned to when its while is over and it is ready', async () => {
    const { client, first, second, clock } = await setup()
    first.answer('GET', '/readyz', {}, 503)
    await first.goAway()
    await client.get('a')
    await first.comeBack()
    clock.advance(19_000)
    await client.get('a')
    await turns()
    expect(first.seen).toHaveLength(0)
    clock.advance(1_000)
    // Nobody waits for what it says of itself.
    await client.get('a')
    await until('it is asked whether it is ready', () => first.seenAt(/readyz/).length === 1)
    await turns()
    await client.get('a')
    expect(second.seenAt(/tasks/)).toHaveLength(4)
    first.answer('GET', '/readyz', {})
    clock.advance(20_000)
    await client.get('a')
    await until('it is asked again', () => first.seenAt(/readyz/).length === 2)
    await turns()
    await client.get('a')
    expect(first.seenAt(/tasks/)).toHaveLength(1)
  })

  it('is passed over while another may be asked', async () => {
    const nodes = [await start(), await start(), await start()] as const
    const { client, clock } = clientOf(nodes)
    await nodes[0].goAway()
    await client.get('a')
    await nodes[0].comeBack()
    clock.advance(1_000)
    await nodes[1].goAway()
    await client.get('a')
    expect(nodes[2].seen).toHaveLength(1)
    expect(nodes[0].seen).toHaveLength(0)
    // Now it is needed.
    await nodes[2].goAway()
    await client.get('a')
    expect(nodes[0].seen).toHaveLength(1)
  })
})

describe('a worker of several schedulers', () => {
  it('repeats a claim that waits at a silent one elsewhere, under its request id, and runs each task once', async () => {
    const clock = createVirtualClock(() => 0)
    const scheduler = await start()
    const links = [await linkTo(scheduler), await linkTo(scheduler)] as const
    const { logger, told } = collectLog()
    const ran: string[] = []
    const worker = new TasklaneWorker({
      url: links.map(link => link.url),
      workerId: 'w1',
      signals: false,
      logger,
      clock,
      slots: 1,
      tasks: [defineTask({ type: 'noop', run: (_, ctx) => ran.push(ctx.taskId) })],
    })
    onTestFinished(() => {
      void worker.stop({ graceMs: 0 })
    })
    await worker.start()
    await until('a claim waits', () => scheduler.seenAt(/claim/).length === 1)
    // The claim is answered, and its reply held back.
    links[0].setMode('requests_only')
    scheduler.add({ task_type: 'noop', task_id: 'b' })
    await until('the reply is lost', () => links[0].hits() > 0)
    clock.advance(3_000)
    await until('a sign of life is asked for', () => scheduler.seenAt(/livez/).length === 1)
    clock.advance(2_000)
    await until('the task is done', () => scheduler.stored('b').task.status === 'completed')
    const claims = scheduler.seenAt(/claim/).map(claim => JSON.stringify(claim.body))
    expect(claims[1]).toBe(claims[0])
    expect([ran, scheduler.stored('b').task.attempt]).toEqual([['b'], 1])
    expect(told.filter(line => line.includes(links[0].url))).toEqual([
      `warn: The scheduler at ${links[0].url} does not answer (no sign of life for 5 s). The worker goes on with ${links[1].url}.`,
    ])
  })
})

/** Two schedulers that both know task `a`, and a client that begins with the first. */
async function setup(options: { retries?: number } = {}) {
  const nodes = [await start(), await start()] as const
  return {
    ...clientOf(
      nodes,
      createVirtualClock(() => 0),
      options,
    ),
    first: nodes[0],
    second: nodes[1],
  }
}

/** The first is behind a link that can stall. */
async function setupSilent() {
  const nodes = [await start(), await start()] as const
  const link = await linkTo(nodes[0])
  return { ...clientOf([link, nodes[1]]), link, second: nodes[1] }
}

async function start(): Promise<SchedulerDouble> {
  const double = await startSchedulerDouble({}, onTestFinished)
  double.add({ task_type: 'other', task_id: 'a' })
  return double
}

async function linkTo(double: SchedulerDouble) {
  const link = await openLink(
    () => Number(new URL(double.url).port),
    () => ({ request: () => {}, reply: () => {} }),
  )
  onTestFinished(link.close)
  return link
}

function clientOf(
  nodes: readonly { readonly url: string }[],
  clock: VirtualClock = createVirtualClock(() => 0),
  options: { retries?: number } = {},
) {
  const client = new TasklaneClient({ ...options, url: nodes.map(node => node.url), clock })
  onTestFinished(() => client.close())
  return { client, clock }
}
