// A graph of 2,000 tasks: opened, moved about in by the mouse, and watched while its tasks run.
import { pause } from '../cases.mjs'
import { evenness, longest } from './eye.mjs'
import { shapes } from './graphs.mjs'

const perBatch = 1_000

/** @returns name → figures, one for each shape */
export async function graphCase(node, eye, { tasks, shape }) {
  await pause(node, true)
  const id = shape.replaceAll(/\W/g, '')
  const list = shapes[shape](id, tasks)
  for (let from = 0; from < list.length; from += perBatch)
    await node.call('POST', '/api/tasks/batch', { tasks: list.slice(from, from + perBatch) })
  const sight = await eye.open(node.url, `/tasks/${id}-0/graph`)
  const { page } = sight
  try {
    await sight.profiled(`${shape}-open`, () => page.waitForFunction(() => globalThis.firstPictureMs !== undefined))
    await calm(page)
    const opened = await sight.take()
    const all = await showAll(sight, shape)
    const moved = await sight.profiled(`${shape}-move`, () => moveAbout(sight))
    const memory = await sight.memory()
    await pause(node, false)
    const ran = await sight.profiled(`${shape}-run`, () => watchRun(node, sight, list))
    return {
      firstPictureMs: opened.firstPictureMs,
      openLongestTaskMs: longest(opened.longTasks),
      openLongestTaskAfterPictureMs: longest(opened.longTasks, opened.firstPictureMs),
      ...all,
      memoryMiB: memory / 2 ** 20,
      ...prefixed('move', moved),
      ...prefixed('run', ran),
    }
  } finally {
    await sight.close()
  }
}

/** Half a second without a long task: what opening sets off is over. */
async function calm(page) {
  await page.waitForTimeout(500)
}

/** Where groups are collapsed at first: all of it. */
async function showAll(sight, shape) {
  const { page } = sight
  const button = page.getByRole('button', { name: 'Show all' })
  if ((await button.count()) === 0) return {}
  await sight.take()
  const began = performance.now()
  await sight.profiled(`${shape}-all`, async () => {
    await button.click()
    await page.locator('[data-drawn-all]').waitFor({ state: 'attached', timeout: 60_000 })
  })
  const showAllMs = performance.now() - began
  await calm(page)
  return { showAllMs, showAllLongestTaskMs: longest((await sight.take()).longTasks) }
}

/** To and fro with the button down, and in and out by the wheel, as a hand does. */
async function moveAbout(sight) {
  const { page } = sight
  const box = await page.locator('.graph-box').boundingBox()
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
  await sight.take()
  await page.mouse.move(x, y)
  await page.mouse.down()
  for (let step = 1; step <= 60; step += 1)
    await page.mouse.move(x + 200 * Math.sin(step / 6), y + 120 * Math.cos(step / 9))
  await page.mouse.up()
  for (let step = 0; step < 24; step += 1) await page.mouse.wheel(0, step < 12 ? -160 : 130)
  await page.mouse.down()
  for (let step = 1; step <= 60; step += 1)
    await page.mouse.move(x + 300 * Math.sin(step / 5), y + 150 * Math.cos(step / 7))
  await page.mouse.up()
  return sight.take()
}

/** While all of it runs; panned meanwhile. */
async function watchRun(node, sight, list) {
  const { page } = sight
  const box = await page.locator('.graph-box').boundingBox()
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
  await sight.take()
  const bytes = sight.bytes()
  const began = performance.now()
  const isOver = async () => (await node.call('GET', '/api/stats')).tasks
  let told = await isOver()
  await page.mouse.move(x, y)
  await page.mouse.down()
  for (let step = 1; told.pending + told.running + told.blocked > 0 && performance.now() - began < 60_000; step += 1) {
    await page.mouse.move(x + 200 * Math.sin(step / 9), y + 100 * Math.cos(step / 9))
    if (step % 10 === 0) told = await isOver()
  }
  await page.mouse.up()
  const ranMs = performance.now() - began
  const seen = await sight.take()
  // The page is right when it says of all that they have ended.
  const toldAt = performance.now()
  await page.getByText('100 %').waitFor({ timeout: 30_000 })
  const rightAfterMs = performance.now() - toldAt
  return { ...seen, tasksPerSecond: list.length / (ranMs / 1_000), rightAfterMs, bytes: sight.bytes() - bytes }
}

function prefixed(name, { frames, longTasks, tasksPerSecond, rightAfterMs, bytes }) {
  const { p50, p95, max, frames: count } = evenness(frames)
  return {
    [`${name}Frames`]: count,
    [`${name}FrameP50Ms`]: p50,
    [`${name}FrameP95Ms`]: p95,
    [`${name}FrameMaxMs`]: max,
    [`${name}LongestTaskMs`]: longest(longTasks),
    ...(tasksPerSecond === undefined ? {} : { [`${name}TasksPerSecond`]: tasksPerSecond }),
    ...(rightAfterMs === undefined ? {} : { [`${name}RightAfterMs`]: rightAfterMs }),
    ...(bytes === undefined ? {} : { [`${name}ReceivedKB`]: bytes / 1_000 }),
  }
}
