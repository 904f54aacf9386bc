// Tasklane as one of the peers: its own bench measures it, on a new node for each measure, and the counts are checked
// here. The time of the last completion is seen by a poll every 10 ms, as everywhere in this bench.
import { limits } from '@tasklane/protocol'
import { readConfig, variables } from '@tasklane/server'
import { createNode, drain, singlePosts, submitBatches } from '../cases.mjs'
import { idleLatency, perSecond, singlesInFlight } from './measures.mjs'
import { own } from './processes.mjs'

const setting = 'TASKLANE_SQLITE_SYNCHRONOUS'
const batch = 500

export const rows = ['FULL', 'NORMAL'].map(synchronous => ({
  title: `Tasklane, synchronous=${synchronous}`,
  durability: synchronous === 'FULL' ? 'fsync at every commit' : 'fsync at checkpoints',
  over: 'HTTP, JSON',
  keeps: 'task, result, attempts and history, seven days',
  settings: `batches of ${batch} (submit alone: ${limits.batchTasksMax}, 4 in flight); the command's worker with 1,000 slots`,
  missing: whyNot(synchronous),
  measures: measuresOn(() => openNode(synchronous)),
}))

/** A node refuses settings that it does not know; without this one it always runs with FULL. */
function whyNot(synchronous) {
  if (synchronous === 'FULL') return null
  if (!variables.includes(setting)) return `this version has no ${setting}; it always syncs at every commit`
  try {
    readConfig({ env: { [setting]: synchronous } })
    return null
  } catch (error) {
    return error.message
  }
}

/** @param open gives a new node for each measure, of what is at hand */
export function measuresOn(open) {
  const onNode = run => async (atHand, tasks, warm) => {
    const node = await open(atHand)
    try {
      return await run(node, tasks, warm)
    } finally {
      await node.close()
    }
  }
  const submitOnly = submit =>
    onNode(async (node, tasks, warm) => {
      await submit(node, warm)
      const began = performance.now()
      await submit(node, tasks)
      const rate = perSecond(tasks, began)
      await verify(node, { pending: warm + tasks })
      return rate
    })
  const endToEnd = submit =>
    onNode(async (node, tasks, warm) => {
      await node.worker()
      await submit(node, warm)
      await node.finished(warm)
      const began = performance.now()
      await submit(node, tasks)
      await node.finished(warm + tasks)
      const rate = perSecond(tasks, began)
      await verify(node, { completed: warm + tasks })
      return rate
    })
  const submitSingles = (node, tasks) => singlePosts(node, { tasks, inFlight: singlesInFlight })
  return {
    submit_bulk: submitOnly((node, tasks) => submitBatches(node, tasks, limits.batchTasksMax, 4)),
    submit_single: submitOnly(submitSingles),
    drain: onNode(async (node, tasks) => {
      const rate = await drain(node, { tasks, batch })
      await verify(node, { completed: tasks })
      return rate
    }),
    end_to_end_bulk: endToEnd((node, tasks) => submitBatches(node, tasks, batch, 2)),
    end_to_end_single: endToEnd(submitSingles),
    idle_latency: onNode(latency),
  }
}

async function openNode(synchronous) {
  const had = process.env[setting]
  if (variables.includes(setting)) process.env[setting] = synchronous
  // The scheduler is spawned before the first wait, so that the variable may go again at once.
  const opening = createNode({})
  if (had === undefined) delete process.env[setting]
  else process.env[setting] = had
  const node = await opening
  return { ...node, close: own(node.close) }
}

async function latency(node, submits) {
  const { defineTask, TasklaneClient, TasklaneWorker } = await import('@tasklane/sdk')
  const client = new TasklaneClient({ url: node.url })
  const begin = async handle => {
    const probe = defineTask({ type: 'probe', run: async n => handle(n) })
    const worker = new TasklaneWorker({ url: node.url, tasks: [probe], workerId: 'latency', slots: 10, signals: false })
    return { start: () => worker.start(), stop: () => worker.stop() }
  }
  try {
    return await idleLatency({ begin, submit: n => client.submit('probe', n), submits })
  } finally {
    await client.close()
  }
}

async function verify(node, expected) {
  const { tasks: counts, total } = await node.call('GET', '/api/stats')
  for (const [state, tasks] of Object.entries(expected)) {
    if (counts[state] !== tasks || total !== tasks)
      throw new Error(
        `${counts[state]} of ${total} tasks are ${state}, ${tasks} were submitted: ${JSON.stringify(counts)}.`,
      )
  }
}
