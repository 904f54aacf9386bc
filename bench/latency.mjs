// Submit call to handler start on an idle node: client and worker live in this process, so that one clock sees both.
import { defineTask, TasklaneClient, TasklaneWorker } from '@tasklane/sdk'

/** One submit every 10 ms. @returns milliseconds, sorted */
export async function idleLatency(node, { submits }) {
  const started = new Map()
  const probe = defineTask({
    type: 'probe',
    run: async n => {
      started.get(n)?.(performance.now())
    },
  })
  const worker = new TasklaneWorker({ url: node.url, tasks: [probe], workerId: 'latency', slots: 10, signals: false })
  const client = new TasklaneClient({ url: node.url })
  await worker.start()
  const waits = []
  for (let n = 0; n < submits; n += 1) {
    const start = new Promise(resolve => started.set(n, resolve))
    const began = performance.now()
    await client.submit(probe, n)
    waits.push((await start) - began)
    started.delete(n)
    await new Promise(resume => setTimeout(resume, 10))
  }
  await worker.stop()
  await client.close()
  return waits.sort((one, other) => one - other)
}
