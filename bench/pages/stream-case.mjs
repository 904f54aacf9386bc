// Pages that are open while tasks stream through the scheduler: what they feel like, whether they are right at the end, and
// what they cost.
import { readFileSync } from 'node:fs'
import { createUuidV7 } from '@tasklane/protocol'
import { evenness, longest } from './eye.mjs'

const nextId = createUuidV7(
  () => Date.now(),
  bytes => crypto.getRandomValues(bytes),
)
const perBatch = 250

/** The address of each page, and how it is compared with the API once all is over. */
export const watched = Object.freeze({
  'no page': null,
  overview: { path: () => '/', isRight: overviewIsRight },
  'list of tasks': { path: () => '/tasks', isRight: listIsRight },
  'page of a task': { path: id => `/tasks/${id}`, isRight: taskIsRight },
})

/** @param rate of tasks a second; null: as fast as they go */
export async function streamCase(node, eye, { page: name, rate, seconds }) {
  const list = Array.from({ length: 1_000 }, () => noop())
  await node.call('POST', '/api/tasks/batch', { tasks: list })
  await node.finished(list.length)
  // The last of the stream, so that the page of a task has something to wait for.
  const last = nextId()
  await node.call('POST', '/api/tasks', { ...noop(last), delay: seconds })
  const told = watched[name]
  const sight = told === null ? null : await eye.open(node.url, told.path(last))
  try {
    if (sight !== null) {
      await sight.page.locator('main h1').waitFor()
      await sight.page.waitForTimeout(1_500)
      await sight.take()
    }
    const bytes = sight?.bytes() ?? 0
    const cpu = cpuSeconds(node.pid)
    const began = performance.now()
    const run = () => stream(node, rate, seconds)
    const count = await (sight === null ? run() : sight.profiled(`${name}-${rate ?? 'full'}`, run))
    await node.finished(list.length + count)
    const took = (performance.now() - began) / 1_000
    const seen = sight === null ? null : await sight.take()
    const spent = cpuSeconds(node.pid) - cpu
    const figures = {
      tasksPerSecond: count / took,
      schedulerCpuMicrosecondsPerTask: (spent * 1e6) / count,
    }
    if (sight === null || seen === null) return figures
    const { frames, p50, p95, max } = evenness(seen.frames)
    return {
      ...figures,
      frames,
      frameP50Ms: p50,
      frameP95Ms: p95,
      frameMaxMs: max,
      longestTaskMs: longest(seen.longTasks),
      receivedKBPerSecond: (sight.bytes() - bytes) / 1_000 / took,
      memoryMiB: (await sight.memory()) / 2 ** 20,
      rightAfterMs: await rightAfter(() => told.isRight(node, sight.page, last)),
    }
  } finally {
    await sight?.close()
  }
}

function noop(id = nextId()) {
  return { task_id: id, task_type: 'noop', payload: {} }
}

/** Submits at an even rate, and never far ahead of what is taken. @returns how many */
async function stream(node, rate, seconds) {
  const began = performance.now()
  let sent = 0
  const lane = async () => {
    for (;;) {
      const now = (performance.now() - began) / 1_000
      if (now >= seconds) return
      const due = rate === null ? Infinity : now * rate
      if (sent >= due) {
        await new Promise(resume => setTimeout(resume, 5))
        continue
      }
      sent += perBatch
      await node.call('POST', '/api/tasks/batch', { tasks: Array.from({ length: perBatch }, () => noop()) })
    }
  }
  await Promise.all([lane(), lane()])
  return sent
}

/** User and system time of a process: what is told by the kernel, whoever else was busy. */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** How long until the page says what the API says; it is given ten seconds. */
async function rightAfter(isRight) {
  const began = performance.now()
  let seen = ''
  while (performance.now() - began < 10_000) {
    seen = await isRight()
    if (seen === true) return performance.now() - began
    await new Promise(resume => setTimeout(resume, 50))
  }
  throw new Error(`The page is wrong ten seconds after all was over: ${seen}`)
}

async function overviewIsRight(node, page) {
  const { tasks } = await node.call('GET', '/api/stats')
  const told = await page
    .locator('.tile')
    .evaluateAll(tiles =>
      tiles.map(tile => ['name', 'value'].map(part => tile.querySelector(`.tile-${part}`)?.textContent.trim())),
    )
  const tiles = new Map(told)
  // What waits is what is pending, scheduled and blocked, or pending alone: here nothing is left of any.
  const isRight = Number(tiles.get('Waiting')) === tasks.pending && Number(tiles.get('Running')) === tasks.running
  return isRight || `of ${tasks.pending} pending and ${tasks.running} running it says ${JSON.stringify(told)}`
}

async function listIsRight(node, page) {
  const rows = await page
    .locator('tr.row')
    .evaluateAll(all => all.slice(0, 20).map(row => [row.dataset.id, row.querySelector('[data-state]')?.dataset.state]))
  if (rows.length === 0) return 'no rows'
  for (const [id, state] of rows) {
    const { status } = await node.call('GET', `/api/tasks/${id}`)
    if (status !== state) return `${id} is ${status}, and said to be ${state}`
  }
  return true
}

async function taskIsRight(node, page, id) {
  const { status } = await node.call('GET', `/api/tasks/${id}`)
  const state = await page.locator('.task-title .state').getAttribute('data-state')
  return (status === state && status === 'completed') || `${status}, and said to be ${state}`
}
