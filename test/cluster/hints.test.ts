import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPostgresBroker } from '../../packages/server/src/brokers/postgres/postgres-broker.ts'
import { type TaskDraft, taskId, workerId } from '../../packages/server/src/core/task.ts'
import { createEngine, engineSettingsDefault } from '../../packages/server/src/engine/create-engine.ts'
import type { Engine, News } from '../../packages/server/src/engine/engine.ts'
import type { Broker, Hint } from '../../packages/server/src/ports/broker.ts'
import type { Log } from '../../packages/server/src/ports/log.ts'
import type { Store } from '../../packages/server/src/ports/store.ts'
import { createPostgresStore } from '../../packages/server/src/stores/postgres/postgres-store.ts'
import { systemClock } from '../../packages/server/src/system-clock.ts'
import { draft } from '../../packages/server/test/support/drafts.ts'
import { hasPostgres, schemaTemplate } from '../../packages/server/test/support/postgres-stores.ts'
import { until } from '../support/processes.ts'
import { type FreshDatabase, freshDatabase } from '../support/servers/postgres.ts'
import { median } from './median.ts'

/** Longer than the whole test: what comes, comes by a hint. */
const sweepMs = 600_000
const rounds = 20
const signal = new AbortController().signal

/** One of two nodes, and what can be seen of it. */
interface Node {
  readonly engine: Engine
  readonly hints: Hint[]
  commits(): number
  reads(): number
  isListening(): boolean
  stop(): Promise<void>
}

describe.skipIf(!(await hasPostgres()))('two nodes that never look by themselves', () => {
  let database: FreshDatabase
  let asked: Node
  let waiting: Node
  beforeEach(async () => {
    database = await freshDatabase(schemaTemplate)
    asked = await startNode(database.url)
    waiting = await startNode(database.url)
    await until(
      () => asked.isListening() && waiting.isListening(),
      Boolean,
      () => 'the nodes to hear each other',
    )
  })
  afterEach(async () => {
    await asked.stop()
    await waiting.stop()
    await database.drop()
  })

  it('hear of each other what is to be claimed and what has ended', async () => {
    const rest = { instance: 'one', capabilities: null, queues: null, slots: 10, labels: null, types: null }
    await waiting.engine.register({ id: workerId('w1'), ...rest })
    const claimMs: number[] = []
    const resultMs: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      const task = draft(`task-${round}`)
      claimMs.push(await claimElsewhere(task))
      resultMs.push(await endElsewhere(task))
    }
    // Everything was said by a hint, each time.
    const of = (kind: Hint['kind']): number => waiting.hints.filter(hint => hint.kind === kind).length
    expect(of('ready')).toBeGreaterThanOrEqual(rounds)
    expect(of('ended')).toBeGreaterThanOrEqual(rounds)
    process.stderr.write(
      `\nFrom one node to another, median of ${rounds}: submit to claim ${median(claimMs)} ms, settle to result ${median(resultMs)} ms.\n`,
    )
  })

  it('tell each other’s watchers of claims, progress, workers and queues', async () => {
    const rest = { instance: 'one', capabilities: null, queues: null, slots: 10, labels: null, types: null }
    const news: News[] = []
    asked.engine.watch(each => news.push(each))
    const untilTold = (kind: News['kind']): Promise<unknown> => {
      news.length = 0
      return until(
        () => news.filter(each => each.kind === kind),
        told => told.some(each => each.others > 0),
        () => `news of ${kind}`,
      )
    }
    await waiting.engine.register({ id: workerId('w1'), ...rest })
    await untilTold('workers')
    await asked.engine.submit([draft('a')])
    await waiting.engine.claim({ workerId: workerId('w1'), limit: 1, waitMs: 30_000, requestId: null, signal })
    await untilTold('tasks')
    const currentTasks = [{ taskId: taskId('a'), epoch: 1, progress: { percent: 50 } }]
    await waiting.engine.heartbeat({ workerId: workerId('w1'), systemInfo: null, currentTasks })
    await untilTold('tasks')
    await waiting.engine.setQueue('default', { isPaused: true })
    await untilTold('queues')
  })

  /** @returns milliseconds from the submit at one node to the claim at the other, which waited */
  async function claimElsewhere(task: TaskDraft): Promise<number> {
    const before = waiting.commits()
    const claim = waiting.engine.claim({ workerId: workerId('w1'), limit: 1, waitMs: 30_000, requestId: null, signal })
    // It has looked, and found nothing.
    await until(
      waiting.commits,
      count => count > before,
      () => 'the claim to look',
    )
    const submittedMs = performance.now()
    await asked.engine.submit([task])
    expect((await claim).map(claimed => claimed.id)).toEqual([task.id])
    return performance.now() - submittedMs
  }

  /** @returns milliseconds from the settle at one node to the result at the other, which waited */
  async function endElsewhere(task: TaskDraft): Promise<number> {
    const before = waiting.reads()
    const result = waiting.engine.waitForResult(taskId(task.id), 30_000, signal)
    await until(
      waiting.reads,
      count => count > before,
      () => 'the wait to look',
    )
    const settledMs = performance.now()
    const said = { error: null, isRetryable: true, retryAfterMs: null, resultFault: null, result: null }
    await asked.engine.settle(workerId('w1'), [{ taskId: taskId(task.id), epoch: 1, outcome: 'completed', ...said }])
    expect((await result).state).toBe('completed')
    return performance.now() - settledMs
  }
})

async function startNode(url: string): Promise<Node> {
  const store = createPostgresStore({ url, clock: systemClock, headStartMs: 0, connections: 4 })
  const broker = createPostgresBroker({ url, clock: systemClock, log: silentLog })
  const hints: Hint[] = []
  broker.listen(hint => hints.push(hint))
  let reads = 0
  const watched: Store = {
    ...store,
    task: async id => {
      const task = await store.task(id)
      reads += 1
      return task
    },
  }
  const engine = createEngine({
    ...{ store: watched, broker: broker satisfies Broker, clock: systemClock, log: silentLog },
    settings: { ...engineSettingsDefault, sweepMs },
  })
  let commits = 0
  engine.observe(event => {
    if (event.kind === 'committed') commits += 1
  })
  await engine.start()
  return {
    ...{ engine, hints },
    commits: () => commits,
    reads: () => reads,
    isListening: () => broker.status() === 'connected',
    stop: async () => {
      engine.beginStop()
      await engine.stop()
      await broker.close()
      await store.close()
    },
  }
}

const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silentLog }
