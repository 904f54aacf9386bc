import { measuresOfNodePeer } from './measures.mjs'
import { openPostgres, poolAt } from './postgres.mjs'

const queueName = 'bench'

export const peer = {
  bulk: { batch: 1_000, inFlightAlone: 4, inFlightWithWorker: 4 },

  open: openPostgres,

  connect: async place => {
    const { boss, stop } = await bossAt(place, { migrate: true })
    await boss.createQueue(queueName, { notify: true })
    const pool = await poolAt(place, 1)
    const counts = async () => {
      const { rows: answer } = await pool.query(
        `SELECT count(*) FILTER (WHERE state < 'completed')::int AS unfinished,
           count(*) FILTER (WHERE state = 'completed')::int AS completed,
           count(*) FILTER (WHERE state > 'completed')::int AS failed
         FROM pgboss.job WHERE name = $1`,
        [queueName],
      )
      return answer[0]
    }
    return {
      submitMany: numbers =>
        boss.insert(
          queueName,
          numbers.map(n => ({ data: { n } })),
        ),
      submitOne: n => boss.send(queueName, { n }),
      waiting: async () => (await counts()).unfinished,
      counts,
      close: async () => {
        await pool.end()
        await stop()
      },
    }
  },

  work: async (place, handle, { isIdle }) => {
    const { boss, stop } = await bossAt(place, { migrate: false, useListenNotify: true })
    const shape = isIdle ? { batchSize: 10, localConcurrency: 4 } : { batchSize: 1_000, localConcurrency: 2 }
    return {
      start: () =>
        boss.work(queueName, { ...shape, burstWhenBatchFull: true }, async jobs => {
          for (const job of jobs) handle(job.data.n)
        }),
      stop,
    }
  },
}

export const rows = [
  {
    title: 'pg-boss on PostgreSQL',
    durability: 'fsync and synchronous_commit on',
    over: "PostgreSQL's protocol",
    keeps: 'finished jobs for seven days',
    settings: 'insert of 1,000, 4 in flight; batches of 1,000 on 2 loops (latency: 10 on 4), burst, notify',
    measures: measuresOfNodePeer(peer, import.meta.url),
  },
]

async function bossAt(place, options) {
  const { PgBoss } = await import('pg-boss')
  const boss = new PgBoss({ connectionString: place.url, max: 16, supervise: false, schedule: false, ...options })
  const onError = error => console.error(error.message)
  boss.on('error', onError)
  await boss.start()
  const stop = async () => {
    // Its connections may still be there when the server ends them.
    boss.off('error', onError)
    boss.on('error', () => {})
    await boss.stop({ graceful: false })
  }
  return { boss, stop }
}
