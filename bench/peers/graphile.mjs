import { measuresOfNodePeer } from './measures.mjs'
import { openPostgres, poolAt } from './postgres.mjs'

export const peer = {
  bulk: { batch: 1_000, inFlightAlone: 4, inFlightWithWorker: 1 },

  open: openPostgres,

  connect: async place => {
    const { makeWorkerUtils } = await import('graphile-worker')
    const pool = await poolAt(place, 16)
    const utils = await makeWorkerUtils({ pgPool: pool, logger: await silence() })
    await utils.migrate()
    const count = async condition => {
      const { rows: answer } = await pool.query(
        `SELECT count(*)::int AS n FROM graphile_worker._private_jobs WHERE ${condition}`,
      )
      return answer[0].n
    }
    return {
      submitMany: numbers => utils.addJobs(numbers.map(n => ({ identifier: 'noop', payload: { n } }))),
      submitOne: n => utils.addJob('noop', { n }),
      waiting: () => count('locked_at IS NULL'),
      // A failed job stays in the table with its error, so that it is neither finished nor lost.
      counts: async () => ({ unfinished: await count('true'), failed: 0, completed: null }),
      close: async () => {
        await utils.release()
        await pool.end()
      },
    }
  },

  work: async (place, handle) => {
    const { run } = await import('graphile-worker')
    const logger = await silence()
    const pool = await poolAt(place, 10)
    let runner = null
    return {
      start: async () => {
        runner = await run({
          pgPool: pool,
          logger,
          noHandleSignals: true,
          taskList: { noop: async ({ n }) => handle(n) },
          preset: {
            worker: {
              concurrentJobs: 10,
              localQueue: { size: 500 },
              completeJobBatchDelay: 0,
              failJobBatchDelay: 0,
            },
          },
        })
      },
      stop: async () => {
        await runner?.stop()
        await pool.end()
      },
    }
  },
}

export const rows = [
  {
    title: 'graphile-worker on PostgreSQL',
    durability: 'fsync and synchronous_commit on',
    over: "PostgreSQL's protocol",
    keeps: 'nothing: finished jobs are deleted',
    settings:
      'addJobs of 1,000, 4 in flight (end to end: 1); 10 jobs at once, local queue of 500, completions in batches',
    measures: measuresOfNodePeer(peer, import.meta.url),
  },
]

async function silence() {
  const { Logger } = await import('graphile-worker')
  return new Logger(() => () => {})
}
