// The six measures, the same for every peer. A task counts when its server says that it is finished, not when its handler
// ran, and a run that lost a task, failed one or still holds one throws instead of giving a number. Before it is timed, a
// measure does some tasks that are not counted, so that it meets programs as they are when they have run for a while.
import { fileURLToPath } from 'node:url'
import { startProcess, until } from './processes.mjs'

/** What is measured, and how many tasks of the number asked for: one by one is slow on some peers. */
export const measures = {
  submit_bulk: { title: 'submit in bulk, no worker', unit: 'tasks/s', share: 1, isWarmed: true },
  submit_single: { title: 'submit one by one, 64 in flight, no worker', unit: 'tasks/s', share: 0.2, isWarmed: true },
  drain: { title: 'drain of a full queue by one worker process', unit: 'tasks/s', share: 1 },
  end_to_end_bulk: {
    title: 'end to end, bulk: producer, server and one worker at once',
    unit: 'tasks/s',
    share: 1,
    isWarmed: true,
  },
  end_to_end_single: {
    title: 'end to end, one by one with 64 in flight: producer, server and one worker at once',
    unit: 'tasks/s',
    share: 0.2,
    isWarmed: true,
  },
  idle_latency: { title: 'idle latency, submit call to handler start, one every 10 ms', unit: 'ms' },
}

export const singlesInFlight = 64

/**
 * The measures of a peer with a client and a worker for Node, which is
 * `{ bulk: { batch, inFlightAlone, inFlightWithWorker }, open, connect, work }`:
 * `bulk` is how many tasks a call has and how many calls overlap, which pays less when a worker wants the same cores;
 * `open(atHand)` starts its servers and gives `{ place, close }`, where `place` travels to the worker as JSON;
 * `connect(place)` gives the producer's `{ submitMany, submitOne, waiting, counts, close }`;
 * `work(place, handle, { isIdle })` gives a worker's `{ start, stop }`, connected but not yet taking tasks.
 * @param module the address of the peer's file, which exports `peer`
 */
export function measuresOfNodePeer(peer, module) {
  const inPlace = run => async (atHand, tasks, warm) => {
    const { place, close } = await peer.open(atHand)
    try {
      const client = await peer.connect(place)
      try {
        return await run({ place, client, tasks, warm })
      } finally {
        await client.close()
      }
    } finally {
      await close()
    }
  }
  const { batch, inFlightAlone, inFlightWithWorker } = peer.bulk
  const submitAlone = (client, numbers) => submitBatches(client, numbers, batch, inFlightAlone)
  const submitWithWorker = (client, numbers) => submitBatches(client, numbers, batch, inFlightWithWorker)
  const submitOnly = submit =>
    inPlace(async ({ client, tasks, warm }) => {
      await submit(client, { from: 0, to: warm })
      const began = performance.now()
      await submit(client, { from: warm, to: warm + tasks })
      const rate = perSecond(tasks, began)
      const waiting = await client.waiting()
      if (waiting !== warm + tasks)
        throw new Error(`${waiting} tasks wait on the server, ${warm + tasks} were submitted.`)
      return rate
    })
  const endToEnd = submit =>
    inPlace(({ place, client, tasks, warm }) =>
      withWorker({ module, place, tasks: warm + tasks }, async worker => {
        await worker.start()
        await submit(client, { from: 0, to: warm })
        await finish({ client, worker, total: warm })
        const began = performance.now()
        await submit(client, { from: warm, to: warm + tasks })
        await finish({ client, worker, total: warm + tasks })
        return perSecond(tasks, began)
      }),
    )
  return {
    submit_bulk: submitOnly(submitAlone),
    submit_single: submitOnly(submitSingles),
    drain: inPlace(({ place, client, tasks }) =>
      withWorker({ module, place, tasks }, async worker => {
        await submitAlone(client, { from: 0, to: tasks })
        const began = performance.now()
        await worker.start()
        await finish({ client, worker, total: tasks })
        return perSecond(tasks, began)
      }),
    ),
    end_to_end_bulk: endToEnd(submitWithWorker),
    end_to_end_single: endToEnd(submitSingles),
    idle_latency: inPlace(({ place, client, tasks }) => {
      const begin = handle => peer.work(place, handle, { isIdle: true })
      return idleLatency({ begin, submit: n => client.submitOne(n), submits: tasks })
    }),
  }
}

/**
 * Client and worker live in this process, so that one clock sees both.
 * @param begin makes a worker that calls its argument with the number of each task it starts: `{ start, stop }`
 * @returns `{ p50, p99 }` in milliseconds
 */
export async function idleLatency({ begin, submit, submits }) {
  const started = new Map()
  const worker = await begin(n => started.get(n)?.(performance.now()))
  await worker.start()
  try {
    const waits = []
    for (let n = 0; n < submits; n += 1) {
      const start = deferred()
      started.set(n, start.resolve)
      const late = setTimeout(() => start.reject(new Error(`Task ${n} did not start within 30 s.`)), 30_000)
      const began = performance.now()
      await submit(n)
      waits.push((await start.promise) - began)
      clearTimeout(late)
      started.delete(n)
      await new Promise(resume => setTimeout(resume, 10))
    }
    return percentiles(waits)
  } finally {
    await worker.stop()
  }
}

export function percentiles(waits) {
  const sorted = [...waits].sort((one, other) => one - other)
  const at = share => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return { p50: at(0.5), p99: at(0.99) }
}

export function perSecond(tasks, began) {
  return tasks / ((performance.now() - began) / 1_000)
}

/** A minute, and more for many tasks: a lost task ends the measure, a slow machine does not. */
export function deadlineMs(tasks) {
  return 60_000 + tasks * 5
}

/** Until all tasks since the start, so many, have been handled and are finished on the server. */
async function finish({ client, worker, total }) {
  await until(
    () => worker.handled() >= total,
    () => `${total} handler runs; there were ${worker.handled()}`,
    deadlineMs(total),
  )
  let counts = null
  const isSettled = async () => {
    counts = await client.counts()
    return counts.unfinished === 0
  }
  await until(isSettled, () => `the last ${counts.unfinished} completions`, deadlineMs(total), 2)
  if (counts.failed !== 0) throw new Error(`${counts.failed} of ${total} tasks failed.`)
  if (counts.completed !== null && counts.completed !== total)
    throw new Error(`The server completed ${counts.completed} of ${total} tasks.`)
}

async function submitBatches(client, { from, to }, batch, inFlight) {
  let next = from
  const lane = async () => {
    while (next < to) {
      const first = next
      next = Math.min(to, first + batch)
      await client.submitMany(Array.from({ length: next - first }, (_, at) => first + at))
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
}

async function submitSingles(client, { from, to }) {
  let next = from
  const lane = async () => {
    while (next < to) {
      next += 1
      await client.submitOne(next - 1)
    }
  }
  await Promise.all(Array.from({ length: singlesInFlight }, lane))
}

/** A worker in a process of its own, which tells how many different tasks its handler has run. */
async function withWorker({ module, place, tasks }, run) {
  const { child, ended, close } = startProcess(
    process.execPath,
    [fileURLToPath(import.meta.resolve('./peer-worker.mjs')), module, JSON.stringify(place), String(tasks)],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  )
  let handled = 0
  const heard = new Map(['ready', 'started'].map(word => [word, deferred()]))
  child.on('message', message => {
    if (typeof message === 'number') handled = message
    else heard.get(message)?.resolve()
  })
  try {
    await Promise.race([heard.get('ready').promise, ended])
    return await Promise.race([
      run({
        start: () => {
          child.send('start')
          return heard.get('started').promise
        },
        handled: () => handled,
      }),
      ended,
    ])
  } finally {
    await close()
  }
}

function deferred() {
  const settlers = {}
  const promise = new Promise((resolve, reject) => Object.assign(settlers, { resolve, reject }))
  return { promise, ...settlers }
}
