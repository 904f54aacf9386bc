import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { call, root, until } from '../support/processes.ts'
import { describeInBrowser, setScene } from './support/scene.ts'

function isBelow(page: Page, one: string, other: string): Promise<unknown> {
  return page.evaluate(
    `document.querySelector('${one}').getBoundingClientRect().top >= document.querySelector('${other}').getBoundingClientRect().bottom`,
  )
}

describeInBrowser('lists and failures in a browser', () => {
  const scene = setScene()
  let mended: string

  beforeAll(async () => {
    mended = join(scene.stage.folder(), 'mended')
    const module = join(root, 'test/browser/fixtures/mending.mjs')
    scene.stage.worker(scene.url, [module, '--worker-id', 'mender', '--concurrency', '4'], { MENDED: mended })
  })

  async function total(query: string): Promise<number> {
    const { body } = await call<{ total: number }>(scene.url, 'GET', `/api/tasks?count=true&limit=1&${query}`)
    return body.total
  }

  function rows(page: Page): Promise<number> {
    return page.locator('tr.row').count()
  }

  it('retry a group that failed, which goes as its tasks succeed', async () => {
    await scene.submit([1, 2, 3].map(row => ({ task_type: 'mend', payload: { row }, max_retries: 0, queue: 'loads' })))
    await until(
      () => total('task_type=mend&status=failed'),
      count => count === 3,
      () => 'three to fail',
    )
    const page = await scene.open('/failures')
    const card = page.locator('.failure')
    await card.getByText(/Row \d has no date/).waitFor()
    expect(await card.locator('.failure-count').textContent()).toBe('3tasks')
    await card.getByRole('button', { name: 'Example, workers and queues' }).click()
    await card.getByRole('link', { name: 'mender' }).waitFor()
    await card.locator('pre', { hasText: 'mending.mjs' }).waitFor()

    writeFileSync(mended, 'odd')
    await card.getByRole('button', { name: 'Retry all' }).click()
    await page.getByRole('button', { name: 'Retry 3' }).click()
    await page.getByText('Retry: requeued 3.').waitFor()
    await until(
      () => card.locator('.failure-count').textContent(),
      text => text === '1task',
      () => 'the group to shrink',
    )
    writeFileSync(mended, 'all')
    await card.getByRole('button', { name: 'Retry all' }).click()
    await page.getByRole('button', { name: 'Retry 1' }).click()
    await page.getByText('Nothing failed').waitFor()
    expect(await total('task_type=mend&status=completed')).toBe(3)
  })

  it('say which type no worker takes, and lead to its tasks', async () => {
    await scene.submit([{ task_type: 'nobody_knows', queue: 'orphans' }])
    const page = await scene.open()
    await page.getByRole('link', { name: /No worker takes nobody_knows from queue orphans/ }).click()
    await page.getByRole('heading', { name: 'Tasks', exact: true }).waitFor()
    await until(
      () => rows(page),
      count => count === 1,
      () => 'the task that waits',
    )
    expect(page.url()).toMatch(/type=nobody_knows/)
  })

  it('act on all that match after a count, a number typed, and a summary of the outcome', async () => {
    await scene.submit(Array.from({ length: 1_203 }, () => ({ task_type: 'unserved', queue: 'many' })))
    const page = await scene.open('/tasks?queue=many')
    await page.locator('tr.row').first().waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    await page.getByText('1 selected').waitFor()
    await page.getByRole('button', { name: 'Select all 1,203 matching' }).click()
    await page.getByRole('button', { name: 'Cancel', exact: true }).click()
    const act = page.getByRole('button', { name: 'Cancel 1,203' })
    await act.waitFor()
    expect(await act.isDisabled()).toBe(true)
    await page.getByLabel(/to go on/).fill('1203')
    await act.click()
    const told = page.getByText('Cancel: cancelled 1,203.')
    await told.waitFor()
    expect(await total('queue=many&status=cancelled')).toBe(1_203)
    // Told below the page and not above it: everything can still be pressed.
    expect(await isBelow(page, '.toasts', 'main')).toBe(true)
    await page.keyboard.press('Escape')
    await told.waitFor({ state: 'detached' })
  })

  it('say that a text is looked for, stop when it is another one, and leave the page for no button of a row', async () => {
    await scene.submit([{ task_type: 'unserved', queue: 'sought', name: 'Needle' }])
    const page = await scene.open('/tasks?queue=sought')
    const row = page.locator('tr.row')
    await row.waitFor()
    await row.hover()
    await row.getByRole('button', { name: 'Copy the id' }).click()
    await page.getByText(/^Copied /).waitFor()
    const given: string[] = []
    page.on('requestfailed', request => given.push(...new URL(request.url()).searchParams.getAll('q')))
    // Answers that never come, as where a hundred million tasks are looked through.
    await page.route(/[?&]q=no/, () => {})
    await page.getByPlaceholder('Id, name or type').fill('nob')
    await page.getByRole('status').getByText('Searching all tasks for “nob”').waitFor()
    await page.getByPlaceholder('Id, name or type').fill('nobody')
    await page.getByRole('status').getByText('Searching all tasks for “nobody”').waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    await row.getByText('Needle').waitFor()
    expect(page.url()).toMatch(/tasks\?queue=sought$/)
    await until(
      () => given.join(),
      all => all === 'nob,nobody',
      () => `both searches to be given up; ${given.join()} were`,
    )
  })

  it('keep a view under a name, over a reload, until it is deleted', async () => {
    await scene.submit([{ task_type: 'unserved', queue: 'viewed', name: 'Seen', priority: 9 }])
    const page = await scene.open('/tasks?queue=viewed')
    await page.getByRole('link', { name: /Seen/ }).waitFor()
    await page.getByRole('button', { name: 'Priority', exact: true }).last().click()
    await page.getByRole('button', { name: 'Views' }).click()
    await page.getByRole('menuitem', { name: 'Save this view…' }).click()
    await page.getByLabel('Name', { exact: true }).fill('Mine')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('button', { name: 'Mine' }).click()
    await page.getByRole('menuitemcheckbox', { name: 'Scheduled' }).click()
    await page.getByRole('button', { name: 'Scheduled', exact: true }).waitFor()
    await page.reload()
    // By the keyboard alone.
    await page.getByRole('button', { name: 'Scheduled', exact: true }).press('Enter')
    await page.getByRole('menuitemcheckbox', { name: 'Mine' }).press('Enter')
    await page.getByRole('link', { name: /Seen/ }).waitFor()
    expect(page.url()).toMatch(/queue=viewed.*sort=-priority/)
    await page.getByRole('button', { name: 'Mine' }).click()
    await page.getByRole('menuitem', { name: 'Rename “Mine”…' }).click()
    await page.getByLabel('Name', { exact: true }).fill('Ours')
    await page.getByRole('button', { name: 'Rename', exact: true }).click()
    await page.getByRole('button', { name: 'Ours' }).click()
    await page.getByRole('menuitem', { name: 'Delete “Ours”' }).click()
    await page.getByRole('button', { name: 'Views' }).waitFor()
  })

  it('sort, tick a range and look at a task by the keyboard, and say what was not done and why', async () => {
    const task = (name: string, priority: number) => ({ task_type: 'unserved', queue: 'keys', name, priority })
    await scene.submit([
      task('Middle', 5),
      task('Low', 2),
      task('High', 9),
      { ...task('Last', 1), task_type: 'mend', payload: { row: 1 } },
    ])
    writeFileSync(mended, 'all')
    await until(
      () => total('queue=keys&status=completed'),
      count => count === 1,
      () => 'one of them to finish',
    )
    const page = await scene.open('/tasks?queue=keys&sort=-priority')
    await until(
      () => page.locator('.row-name').allTextContents(),
      names => names.join() === 'High,Middle,Low,Last',
      () => 'the rows in their order',
    )
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    for (let at = 0; at < 3; at += 1) await page.keyboard.press('j')
    await page.keyboard.press('Shift+X')
    await page.getByText('4 selected').waitFor()
    await page.keyboard.press(' ')
    await page.getByRole('heading', { name: 'Last' }).waitFor()
    await page.getByRole('button', { name: 'Previous task' }).click()
    await page.getByRole('heading', { name: 'Low' }).waitFor()
    await page.locator('.peek-why', { hasText: 'unserved' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('toolbar').getByRole('button', { name: 'Cancel', exact: true }).click()
    await page.getByRole('button', { name: 'Cancel 4' }).click()
    await page.getByText('left as they were: they had finished before').waitFor()
    await page.getByRole('button', { name: 'Good' }).click()
    expect(await total('queue=keys&status=cancelled')).toBe(3)
  })
})
