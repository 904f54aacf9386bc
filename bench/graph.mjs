// What edges cost: the same number of tasks with and without dependencies, submitted in full batches and run by one worker.
import { createUuidV7, limits } from '@tasklane/protocol'
import { perSecond } from './cases.mjs'

const nextId = createUuidV7(
  () => Date.now(),
  bytes => crypto.getRandomValues(bytes),
)
const parentsEach = 2

/** Layers of equal width; a task needs two of the layer before. */
export async function layeredGraph(node, { tasks, layers }) {
  const width = Math.ceil(tasks / layers)
  const ids = Array.from({ length: tasks }, nextId)
  const list = ids.map((id, n) => {
    const before = Math.floor(n / width) - 1
    const parents = Array.from({ length: parentsEach }, (_, k) => ids[before * width + ((n + k) % width)])
    return { task_id: id, task_type: 'noop', payload: { n }, ...(before < 0 ? {} : { dependencies: parents }) }
  })
  return run(node, list)
}

export async function independent(node, { tasks }) {
  return run(
    node,
    Array.from({ length: tasks }, (_, n) => ({ task_id: nextId(), task_type: 'noop', payload: { n } })),
  )
}

async function run(node, list) {
  await node.worker()
  const began = performance.now()
  for (let from = 0; from < list.length; from += limits.batchTasksMax) {
    await node.call('POST', '/api/tasks/batch', { tasks: list.slice(from, from + limits.batchTasksMax) })
  }
  await node.finished(list.length)
  return perSecond(list.length, began)
}
