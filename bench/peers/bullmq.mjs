import { measuresOfNodePeer } from './measures.mjs'
import { startRedis } from './servers.mjs'

const queueName = 'bench'
// The queue's default keeps every finished job; removing it at once is faster.
const jobOptions = { removeOnComplete: true, attempts: 5 }

export const peer = {
  bulk: { batch: 1_000, inFlightAlone: 4, inFlightWithWorker: 1 },

  open: async atHand => {
    const server = await startRedis(atHand.redis.program, { appendOnly: true })
    return { place: { port: server.port }, close: server.close }
  },

  connect: async place => {
    const { Queue } = await import('bullmq')
    const queue = new Queue(queueName, { connection: connectionTo(place) })
    await queue.waitUntilReady()
    return {
      submitMany: numbers => queue.addBulk(numbers.map(n => ({ name: 'noop', data: { n }, opts: jobOptions }))),
      submitOne: n => queue.add('noop', { n }, jobOptions),
      waiting: () => queue.getWaitingCount(),
      counts: async () => {
        const { failed, ...others } = await queue.getJobCounts('wait', 'active', 'delayed', 'prioritized', 'failed')
        const unfinished = Object.values(others).reduce((sum, count) => sum + count, 0)
        return { unfinished, failed, completed: null }
      },
      close: () => queue.close(),
    }
  },

  work: async (place, handle) => {
    const { Worker } = await import('bullmq')
    const worker = new Worker(queueName, async job => handle(job.data.n), {
      connection: connectionTo(place),
      concurrency: 100,
      autorun: false,
    })
    worker.on('error', error => console.error(error.message))
    await worker.waitUntilReady()
    return {
      // `run` ends with the worker.
      start: async () => void worker.run(),
      stop: () => worker.close(),
    }
  },
}

export const rows = [
  {
    title: 'BullMQ on Redis',
    durability: 'appendonly, fsync every second',
    over: "Redis' protocol",
    keeps: 'nothing: finished jobs are removed',
    settings: 'addBulk of 1,000, 4 in flight (end to end: 1); concurrency 100',
    measures: measuresOfNodePeer(peer, import.meta.url),
  },
]

function connectionTo({ port }) {
  return { host: '127.0.0.1', port, maxRetriesPerRequest: null }
}
