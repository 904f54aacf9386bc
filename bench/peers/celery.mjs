// Celery's producer and worker are Python; this side starts them, tells them what to do and reads the results in Redis.
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { deadlineMs, percentiles, perSecond } from './measures.mjs'
import { startProcess, until } from './processes.mjs'
import { startRabbit, startRedis } from './servers.mjs'

const script = join(import.meta.dirname, 'celery_app.py')
const lanes = 64

export const rows = [
  {
    title: 'Celery on RabbitMQ, results in Redis',
    durability: 'durable queue, persistent messages; results in memory; taken tasks are acknowledged before they run',
    over: 'AMQP',
    keeps: 'results for a day',
    settings: 'prefork of 4, prefetch 64 a process, JSON; bulk: one publisher without confirms; one by one: confirms',
    // It is slow enough that fewer tasks tell the same.
    share: 0.3,
    measures: {
      submit_bulk: submitOnly(['submit_bulk']),
      submit_single: submitOnly(['submit_single', lanes]),
      drain: inPlace(async (bench, tasks) => {
        await bench.startWorker()
        await bench.ask('submit_bulk', tasks)
        await bench.arrived(tasks)
        const began = performance.now()
        await bench.ask('consume')
        await bench.finish(tasks)
        return perSecond(tasks, began)
      }),
      end_to_end_bulk: endToEnd(['submit_bulk']),
      end_to_end_single: endToEnd(['submit_single', lanes]),
      idle_latency: inPlace(latency),
    },
  },
]

function submitOnly([command, ...more]) {
  return inPlace(async (bench, tasks, warm) => {
    if (warm > 0) await bench.ask(command, warm, ...more)
    await bench.arrived(warm)
    const began = performance.now()
    await bench.ask(command, tasks, ...more)
    const rate = perSecond(tasks, began)
    await bench.arrived(warm + tasks)
    return rate
  })
}

function endToEnd([command, ...more]) {
  return inPlace(async (bench, tasks, warm) => {
    await bench.startWorker()
    await bench.ask('consume')
    if (warm > 0) await bench.ask(command, warm, ...more)
    await bench.finish(warm)
    const began = performance.now()
    await bench.ask(command, tasks, ...more)
    await bench.finish(warm + tasks)
    return perSecond(tasks, began)
  })
}

async function latency(bench, submits) {
  await bench.startWorker()
  await bench.ask('consume')
  const waits = []
  for (let n = 0; n < submits; n += 1) {
    const { began, id } = await bench.ask('submit_probe', n)
    let result = null
    const hasResult = async () => {
      result = await bench.results.get(`celery-task-meta-${id}`)
      return result !== null
    }
    // The start is in the result, so that asking late for it costs nothing.
    await new Promise(resume => setTimeout(resume, 10))
    await until(hasResult, `the result of probe ${n}`, 30_000)
    waits.push((JSON.parse(result).result - began) * 1_000)
  }
  return percentiles(waits)
}

/** Starts both servers and the producer, runs the measure, and stops them all. */
function inPlace(run) {
  return async (atHand, tasks, warm) => {
    const { default: Redis } = await import('ioredis')
    const closers = []
    try {
      const redis = await startRedis(atHand.redis.program, { appendOnly: false })
      closers.push(redis.close)
      const rabbit = await startRabbit(atHand.rabbitmq)
      closers.push(rabbit.close)
      const results = new Redis({ host: '127.0.0.1', port: redis.port })
      closers.push(async () => results.disconnect())
      const env = {
        ...process.env,
        PYTHONPATH: import.meta.dirname,
        PYTHONDONTWRITEBYTECODE: '1',
        BENCH_BROKER: rabbit.url,
      }
      const { python } = atHand.celery
      const { ask, close } = startProducer(python, env)
      closers.push(close)
      await ask('declare')
      const startWorker = async () => {
        const worker = startWorkerProcess(python, { ...env, BENCH_RESULTS: `redis://127.0.0.1:${redis.port}/0` })
        closers.push(worker.close)
        await Promise.race([worker.ended, until(async () => (await ask('ping')) === 1, 'the worker', 60_000)])
      }
      return await run(
        {
          ask,
          startWorker,
          results,
          arrived: tasks => until(async () => (await ask('depth')) === tasks, `${tasks} messages in the queue`, 60_000),
          finish: tasks => finish({ ask, results, tasks }),
        },
        tasks,
        warm,
      )
    } finally {
      for (const close of closers.reverse()) await close()
    }
  }
}

/** A task counts when its result is in Redis; the only keys there are results. */
async function finish({ ask, results, tasks }) {
  let stored = 0
  const isDone = async () => {
    stored = await results.dbsize()
    return stored >= tasks
  }
  await until(isDone, () => `${tasks} results; there were ${stored}`, deadlineMs(tasks))
  const waiting = await ask('depth')
  const succeeded = await countSucceeded(results)
  if (stored !== tasks || succeeded !== tasks || waiting !== 0)
    throw new Error(`${succeeded} of ${tasks} tasks succeeded, ${stored} results are stored, ${waiting} tasks wait.`)
}

async function countSucceeded(results) {
  let succeeded = 0
  for await (const keys of results.scanStream({ match: 'celery-task-meta-*', count: 1_000 })) {
    if (keys.length === 0) continue
    const values = await results.mget(keys)
    succeeded += values.filter(value => JSON.parse(value).status === 'SUCCESS').length
  }
  return succeeded
}

function startProducer(python, env) {
  const { child, ended, close } = startProcess(python, [script], { env, stdio: ['pipe', 'pipe', 'pipe'] })
  const waiting = []
  createInterface({ input: child.stdout }).on('line', line => waiting.shift()?.(JSON.parse(line).answer))
  const ask = (...command) => {
    const answer = new Promise(resolve => waiting.push(resolve))
    child.stdin.write(`${JSON.stringify(command)}\n`)
    return Promise.race([answer, ended])
  }
  return { ask, close }
}

function startWorkerProcess(python, env) {
  // It listens to a queue that nobody uses until it is told to take the bench's.
  const quiet = ['--without-gossip', '--without-mingle', '--without-heartbeat', '--loglevel', 'ERROR']
  return startProcess(
    python,
    ['-m', 'celery', '-A', 'celery_app', 'worker', '--pool', 'prefork', '--concurrency', '4', '-Q', 'unused', ...quiet],
    { env: { ...env, C_FORCE_ROOT: '1' } },
  )
}
