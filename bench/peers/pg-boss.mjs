import { measuresOfNodePeer } from './measures.mjs'
import { openPostgres, poolAt } from './postgres.mjs'

const queueName = 'bench'

export const peer = {
  bulk: { batch: 1_000, inFlight: 1 },

  open: openPostgres,

  connect: async place => {
    const boss = await bossAt(place, { migrate: true })
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
        await boss.stop({ graceful: false })
      },
    }
  },

  work: async (place, handle, { isIdle }) => {
    const boss = await bossAt(place, { migrate: false, useListenNotify: true })
    const shape = isIdle ? { batchSize: 10, localConcurrency: 4 } : { batchSize: 1_000, localConcurrency: 2 }
    return {
      start: () =>
        boss.work(queueName, { ...shape, burstWhenBatchFull: true }, async jobs => {
          for (const job of jobs) handle(job.data.n)
        }),
      stop: () => boss.stop({ graceful: false }),
    }
  },
}

export const rows = [
  {
    title: 'pg-boss on PostgreSQL',
    durability: 'fsync and synchronous_commit on',
    over: "PostgreSQL's protocol",
    keeps: 'finished jobs for seven days',
    settings: 'insert of 1,000; batches of 1,000 on 2 loops (latency: 10 on 4), burst, notify',
    measures: measuresOfNodePeer(peer, import.meta.url),
  },
]

async function bossAt(place, options) {
  const { PgBoss } = await import('pg-boss')
  const boss = new PgBoss({ connectionString: place.url, max: 16, supervise: false, schedule: false, ...options })
  boss.on('error', error => console.error(error.message))
  await boss.start()
  return boss
}
