// How the rate of a drain depends on what stands in the queue and in the history.
import { pause, perSecond, submitBatches } from './cases.mjs'

const batch = 500
const shallow = 10_000

/**
 * One node, three measures of the same work: so many tasks through queues of 10,000; the first so many of a deep queue;
 * and, when that queue has been drained whole, through queues of 10,000 again with all of it kept as history.
 * @returns tasks per second of each, and the scheduler's memory in bytes with the deep queue
 */
export async function depths(node, { tasks, deep }) {
  await node.worker()
  let done = 0
  const drainShallow = async () => {
    let seconds = 0
    for (let left = tasks; left > 0; left -= shallow) {
      const size = Math.min(shallow, left)
      await pause(node, true)
      await submitBatches(node, size, batch, 2)
      const began = performance.now()
      await pause(node, false)
      done += size
      await node.finished(done)
      seconds += (performance.now() - began) / 1_000
    }
    return tasks / seconds
  }
  const atShallow = await drainShallow()
  await pause(node, true)
  await submitBatches(node, deep, batch, 2)
  const memory = await node.memory()
  const began = performance.now()
  await pause(node, false)
  await node.finished(done + tasks)
  const atDepth = perSecond(tasks, began)
  done += deep
  await node.finished(done)
  return { atShallow, atDepth, afterHistory: await drainShallow(), memory }
}
