import type { Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { call, until } from '../support/processes.ts'
import { addAxe, seriousFaults } from './support/axe.ts'
import { describeInBrowser, setScene } from './support/scene.ts'

/** Reads, of which one fails; what needs it is cancelled. A queue that is paused holds what is to stay. */
const story = [
  task('s-open', 'noop', []),
  task('s-good', 'noop', ['s-open']),
  task('s-bad', 'count_file', ['s-open'], { path: '/not/allowed' }),
  task('s-below', 'noop', ['s-bad']),
  task('s-end', 'noop', ['s-below', 's-good']),
]

describeInBrowser('the graph', () => {
  const scene = setScene()

  beforeAll(async () => {
    scene.stage.worker(scene.url, ['--worker-id', 'w1', '--concurrency', '100'])
    await call(scene.url, 'PATCH', '/api/queues/paused', { paused: true })
    await scene.submit([...story, ...fan('f', 1_998), ...fan('w', 6).map(each => ({ ...each, queue: 'paused' }))])
    await Promise.all([isOver('s-end'), isOver('f-end')])
  })

  function isOver(id: string): Promise<string> {
    return until(
      async () => (await call<{ status: string }>(scene.url, 'GET', `/api/tasks/${id}`)).body.status,
      status => ['completed', 'failed', 'cancelled'].includes(status),
      () => `${id} to end`,
    )
  }

  it('is walked along its edges by the arrow keys, and tells of each task beside it', async () => {
    const page = await scene.open('/tasks/s-open/graph')
    await node(page, 's-open').focus()
    await page.getByRole('button', { name: /Draw it/ }).waitFor()
    // Downwards or sidewards: one of the two follows an edge.
    await page.keyboard.press(await along(page, 'ArrowRight', 'ArrowDown'))
    const first = await focused(page)
    expect(['s-good', 's-bad']).toContain(first)
    await page.locator('.peek').getByRole('link', { name: 'Open the task' }).waitFor()
    await page.keyboard.press(await along(page, 'ArrowDown', 'ArrowRight'))
    if ((await focused(page)) === first) await page.keyboard.press(await along(page, 'ArrowUp', 'ArrowLeft'))
    expect([first, await focused(page)].sort()).toEqual(['s-bad', 's-good'])
    await page.keyboard.press(await along(page, 'ArrowLeft', 'ArrowUp'))
    expect(await focused(page)).toBe('s-open')
    await page.locator('.peek').getByRole('link', { name: 'Open the task' }).click()
    await page.getByRole('heading', { name: 's-open' }).waitFor()
  })

  it('dims what is in other states, finds by name, and marks the longest chain', async () => {
    const page = await scene.open('/tasks/s-open/graph')
    await page.getByRole('button', { name: 'Failed 1' }).click()
    await page.locator('[data-item=s-good].node-dim').waitFor()
    expect(await page.locator('.node:not(.node-dim)').count()).toBe(1)
    await page.getByRole('button', { name: 'Failed 1' }).click()
    await page.getByLabel('Find a task in the graph').fill('below')
    await page.getByText('0 of 1').waitFor()
    await page.keyboard.press('Enter')
    await page.locator('[data-item=s-below].node-selected').waitFor()
    await page.getByLabel('Find a task in the graph').fill('')
    await page.getByRole('button', { name: 'Critical path' }).click()
    await page.getByText(/^Critical path: \d tasks/).waitFor()
    expect(await page.locator('.node-critical[data-item=s-open]').count()).toBe(1)
  })

  it('runs again from what failed, after saying how much comes with it', async () => {
    const page = await scene.open('/tasks/s-open/graph')
    await node(page, 's-bad').click()
    await page.getByRole('button', { name: 'Retry from here' }).click()
    await page.getByText('The 2 tasks that were cancelled below it').waitFor()
    await page.getByRole('button', { name: 'Retry 1 + 2' }).click()
    await page.getByText('It runs again, and then 2 tasks below it.').waitFor()
    const attempts = async () =>
      (await call<{ attempts: unknown[] }>(scene.url, 'GET', '/api/tasks/s-bad/attempts')).body.attempts.length
    await until(
      attempts,
      count => count === 2,
      () => 'a second try',
    )
  })

  it('cancels what is left, counted first, and shows it in the picture', async () => {
    const page = await scene.open('/tasks/w-0/graph')
    await page.getByRole('button', { name: 'Cancel what is left' }).click()
    await page.getByRole('button', { name: 'Cancel 8' }).click()
    await page.getByText('100 %').waitFor()
    await page.locator('[data-item=w-end][data-state=cancelled]').waitFor()
  })

  it('of two thousand is drawn in groups at first, opens one, and all', async () => {
    const page = await scene.open('/tasks/f-0/graph')
    const group = page.locator('.node-group')
    await group.getByText('1,998 × noop').waitFor()
    await group.getByText('1,998 completed').waitFor()
    expect(await page.locator('.node').count()).toBe(3)
    await page.getByRole('button', { name: 'Show all' }).click()
    await page.locator('canvas[data-drawn="2000"]').waitFor({ state: 'attached' })
    await page.getByLabel('Find a task in the graph').fill('f-m1234')
    await page.keyboard.press('Enter')
    // Found, brought near, and an element that can be read out.
    await page.getByRole('button', { name: /f-m1234\s*, Completed/ }).waitFor()
    await page.getByRole('button', { name: 'Group alike' }).click()
    await group.click()
    await page.locator('canvas[data-drawn="2000"]').waitFor({ state: 'attached' })
  })

  it('says the same in words, with only the rows in sight in the page', async () => {
    const page = await scene.open('/tasks/f-end/graph')
    await page.getByRole('button', { name: 'List' }).click()
    await page.getByRole('row', { name: /Completed f-m0 f-0 f-end/ }).waitFor()
    expect(await page.locator('table').getAttribute('aria-rowcount')).toBe('2001')
    expect(await page.locator('tbody tr').count()).toBeLessThan(80)
    await page.getByLabel('Find a task in the graph').fill('f-end')
    await page.getByRole('row', { name: /f-end f-m0, .* and 1993 more/ }).waitFor()
  })

  it('has no serious fault of accessibility, dark or light, on a desk or a phone', async () => {
    const looks = [
      { colorScheme: 'dark', width: 1_440 },
      { colorScheme: 'light', width: 390 },
    ] as const
    const faults = await Promise.all(
      looks.map(async ({ colorScheme, width }) => {
        const options = { colorScheme, reducedMotion: 'reduce', viewport: { width, height: 844 } } as const
        const page = await scene.open('/tasks/s-open/graph', options)
        await addAxe(page)
        if (width < 800) await page.getByRole('button', { name: 'Picture' }).click()
        await node(page, 's-bad').click()
        await page.getByRole('button', { name: 'Critical path' }).click()
        await page.locator('.node-critical').first().waitFor()
        const found = [...(await seriousFaults(page))]
        await page.getByRole('button', { name: 'List' }).click()
        await page.getByRole('link', { name: 's-end', exact: true }).waitFor()
        found.push(...(await seriousFaults(page)))
        if (
          await page.evaluate('document.querySelector("main").scrollWidth > document.querySelector("main").clientWidth')
        )
          found.push('wider than its window')
        return found.map(fault => `${colorScheme} ${width}: ${fault}`)
      }),
    )
    expect(faults.flat()).toEqual([])
  })
})

function task(id: string, type: string, dependencies: readonly string[], payload: object = {}) {
  return { task_id: id, task_type: type, name: id, payload, dependencies, max_retries: 0 }
}

function fan(id: string, count: number) {
  const middle = Array.from({ length: count }, (_, at) => task(`${id}-m${at}`, 'noop', [`${id}-0`]))
  return [
    task(`${id}-0`, 'noop', []),
    ...middle,
    task(
      `${id}-end`,
      'noop',
      middle.map(each => each.task_id),
    ),
  ]
}

function node(page: Page, id: string) {
  return page.locator(`[data-item=${id}]`)
}

async function focused(page: Page): Promise<string> {
  // The focus goes with the next frame.
  return String(
    await page.evaluate(
      'new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(document.activeElement.dataset.item))))',
    ),
  )
}

/** The key for a picture that goes sidewards, or the one for one that goes downwards. */
async function along(page: Page, sidewards: string, downwards: string): Promise<string> {
  return (await page.getByRole('button', { name: 'Draw it downwards' }).count()) > 0 ? sidewards : downwards
}
