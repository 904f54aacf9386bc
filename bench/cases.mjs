// What is done to a node, and how fast it goes: this process is the producer, over keep-alive HTTP on loopback.
import { createUuidV7 } from '@tasklane/protocol'
import { TasklaneClient } from '@tasklane/sdk'

export { createNode } from './node.mjs'

const nextId = createUuidV7(
  () => Date.now(),
  bytes => crypto.getRandomValues(bytes),
)
const noop = n => ({ task_id: nextId(), task_type: 'noop', payload: { n } })

export async function submitOnly(node, { tasks, batch, inFlight }) {
  const began = performance.now()
  await submitBatches(node, tasks, batch, inFlight)
  return perSecond(tasks, began)
}

export async function singlePosts(node, { tasks, inFlight }) {
  const began = performance.now()
  await post(node, tasks, inFlight)
  return perSecond(tasks, began)
}

/** Producer, scheduler and worker at once, from the first submit to the last completion. */
export async function endToEnd(node, { tasks, batch }) {
  await node.worker()
  const began = performance.now()
  await submitBatches(node, tasks, batch, 2)
  await node.finished(tasks)
  return perSecond(tasks, began)
}

/** The same while pages look on: so many live streams are open, and read. */
export async function endToEndWatched(node, { tasks, batch, streams }) {
  const controller = new AbortController()
  const [url] = node.url.split(',')
  const readers = Array.from({ length: streams }, async () => {
    const reply = await fetch(`${url}/api/events`, { signal: controller.signal })
    if (!reply.ok) throw new Error(`A stream was refused: ${await reply.text()}`)
    return reply.body.pipeTo(new WritableStream(), { signal: controller.signal }).catch(() => {})
  })
  const rate = await endToEnd(node, { tasks, batch })
  controller.abort()
  await Promise.allSettled(readers)
  return rate
}

export async function endToEndSingle(node, { tasks, inFlight }) {
  await node.worker()
  const began = performance.now()
  await post(node, tasks, inFlight)
  await node.finished(tasks)
  return perSecond(tasks, began)
}

/** Single submits through the SDK, which gathers those of one turn of the event loop into one request. */
export async function endToEndSdk(node, { tasks, inFlight }) {
  await node.worker()
  const client = new TasklaneClient({ url: node.url })
  let left = tasks
  const began = performance.now()
  const lane = async () => {
    while (left > 0) {
      left -= 1
      await client.submit('noop', { n: left })
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  await node.finished(tasks)
  const rate = perSecond(tasks, began)
  await client.close()
  return rate
}

/** A full queue is let go; from that moment to the last completion. */
export async function drain(node, { tasks, batch }) {
  await pause(node, true)
  await node.worker()
  await submitBatches(node, tasks, batch, 2)
  const began = performance.now()
  await pause(node, false)
  await node.finished(tasks)
  return perSecond(tasks, began)
}

export function pause(node, paused) {
  return node.call('PATCH', '/api/queues/default', { paused })
}

export function submitBatches(node, tasks, batch, inFlight) {
  let left = tasks
  return inLanes(inFlight, async () => {
    if (left <= 0) return false
    const size = Math.min(batch, left)
    left -= size
    await node.call('POST', '/api/tasks/batch', { tasks: Array.from({ length: size }, (_, n) => noop(n)) })
    return true
  })
}

function post(node, tasks, inFlight) {
  let left = tasks
  return inLanes(inFlight, async () => {
    if (left <= 0) return false
    left -= 1
    await node.call('POST', '/api/tasks', noop(left))
    return true
  })
}

async function inLanes(inFlight, step) {
  const lane = async () => {
    while (await step());
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
}

export function perSecond(tasks, beganMs) {
  return tasks / ((performance.now() - beganMs) / 1_000)
}
