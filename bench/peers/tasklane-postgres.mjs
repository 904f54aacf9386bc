// Tasklane on PostgreSQL, on a server like those of the two peers that need one: a new server and a new node each time.
import { limits } from '@tasklane/protocol'
import { createNode } from '../cases.mjs'
import { own } from './processes.mjs'
import { startPostgres } from './servers.mjs'
import { measuresOn } from './tasklane.mjs'

export const rows = [
  {
    title: 'Tasklane on PostgreSQL',
    durability: 'fsync at every commit',
    over: 'HTTP, JSON',
    keeps: 'task, result, attempts and history, seven days',
    settings: `batches of 500 (submit alone: ${limits.batchTasksMax}, 4 in flight); the command's worker with 1,000 slots`,
    missing: null,
    measures: measuresOn(openNode),
  },
]

async function openNode(atHand) {
  const server = await startPostgres(atHand.postgres)
  const node = await createNode({ databaseUrl: server.url }).catch(async error => {
    await server.close()
    throw error
  })
  const close = async () => {
    await node.close()
    await server.close()
  }
  return { ...node, close: own(close) }
}
