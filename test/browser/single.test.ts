import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { call, root, until } from '../support/processes.ts'
import { addAxe, seriousFaults } from './support/axe.ts'
import { goTo } from './support/go-to.ts'
import { describeInBrowser, setScene } from './support/scene.ts'

describeInBrowser('one task, one queue, one worker, one submit', () => {
  const scene = setScene({ HEARTBEAT_INTERVAL: '1' })

  beforeAll(async () => {
    const module = join(root, 'test/browser/fixtures/orders.mjs')
    scene.stage.worker(scene.url, [module, '--worker-id', 'first', '--capabilities', 'order,talk,noop'])
    await until(
      async () => (await call<{ workers: unknown[] }>(scene.url, 'GET', '/api/workers')).body.workers.length,
      count => count === 1,
      () => 'the worker',
    )
  })

  async function submit(task: object): Promise<void> {
    expect((await call(scene.url, 'POST', '/api/tasks', task)).status).toBe(201)
  }

  async function pause(queue: string): Promise<void> {
    expect((await call(scene.url, 'PATCH', `/api/queues/${queue}`, { paused: true })).status).toBe(200)
  }

  async function reach(page: Page, state: string): Promise<void> {
    await page.locator(`.task-title .state[data-state=${state}]`).waitFor()
  }

  it('resumes a paused queue from the task that waits in it', async () => {
    await pause('still')
    await submit({ task_type: 'noop', task_id: 'still-1', queue: 'still', priority: 3 })
    const page = await scene.open('/tasks/still-1')
    await page.getByRole('button', { name: 'Raise to 4' }).click()
    await page.locator('.priority-value').getByText('4', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Resume the queue' }).click()
    await reach(page, 'completed')
  })

  it('runs a scheduled task now, and its dependents after it', async () => {
    await submit({ task_type: 'noop', task_id: 'later-1', delay: 86_400 })
    await submit({ task_type: 'noop', task_id: 'later-2', dependencies: ['later-1'] })
    const page = await scene.open('/tasks/later-2')
    await page.locator('[data-reason=waits_for_parents]').getByRole('link', { name: 'later-1' }).click()
    await page.getByRole('button', { name: 'Run now' }).click()
    await page.locator('dialog').getByRole('button', { name: 'Run now' }).click()
    await reach(page, 'completed')
    const { body } = await call(scene.url, 'GET', '/api/tasks/later-2/result?wait=20')
    expect(body.status).toBe('completed')
  })

  it('offers a worker for a type that nobody takes', async () => {
    await submit({ task_type: 'gpu.train', task_id: 'nobody-1', queue: 'models' })
    const page = await scene.open('/tasks/nobody-1')
    await page.getByRole('button', { name: 'Start one that can' }).click()
    await page.locator('dialog').getByRole('tab', { name: 'Python' }).click()
    const code = page.locator('dialog .snippet pre:visible')
    await code.getByText('"gpu.train": run').waitFor()
    expect(await code.textContent()).toContain(scene.url)
  })

  it('is walked by [ and ], retried by r and cancelled by c', async () => {
    await pause('walk')
    for (const at of [1, 2, 3])
      await submit({ task_type: 'noop', task_id: `walk-${at}`, queue: 'walk', priority: [0, 5, 4, 9][at] })
    const sorted = await scene.open('/tasks?queue=walk&sort=-priority')
    await sorted.getByRole('link', { name: /walk-1/ }).click()
    await sorted.getByText('2 of 3', { exact: true }).waitFor()
    const page = await scene.open('/tasks?queue=walk')
    await page.getByRole('link', { name: /walk-2/ }).click()
    await page.getByText('2 of 3', { exact: true }).waitFor()
    await page.keyboard.press(']')
    await page.getByText('3 of 3', { exact: true }).waitFor()
    await page.keyboard.press('[')
    await page.keyboard.press('[')
    await page.getByText('1 of 3', { exact: true }).waitFor()
    await page.locator('.task-id').getByText('walk-3').waitFor()
    await page.keyboard.press('c')
    await page.getByRole('button', { name: 'Cancel the task' }).click()
    await reach(page, 'cancelled')
    await page.keyboard.press('r')
    await page.locator('dialog').getByRole('button', { name: 'Retry' }).click()
    await reach(page, 'pending')
    await page.locator('.task-way').getByRole('link', { name: 'Tasks' }).click()
    await page.locator('tr.row').nth(2).waitFor()
    expect(page.url()).toContain('queue=walk')
  })

  it('shows each attempt with its branch, its error and the cause of that', async () => {
    await submit({ task_type: 'talk', task_id: 'talk-2', payload: { lines: 1, fails: true }, max_retries: 2 })
    const page = await scene.open('/tasks/talk-2')
    await reach(page, 'completed')
    const first = page.locator('.step').first()
    await first.getByText(/tried again after/).waitFor()
    await first.getByText('No luck').first().click()
    await first
      .getByText(/^Caused by: TypeError: The deeper cause/)
      .first()
      .waitFor()
    // A machine that is busy elsewhere may lose a lease in between.
    await page.locator('.step').last().getByText('done').waitFor()
    await page.locator('.log-attempt').nth(1).getByText('Attempt 2 on first').waitFor()
  })

  it('has a log of thousands of lines, searched and filtered, with few of them in the document', async () => {
    await submit({ task_type: 'talk', task_id: 'talk-1', payload: { lines: 5_000 } })
    const page = await scene.open('/tasks/talk-1')
    await page.getByText('5,000 lines').waitFor()
    await page.locator('.log-line').getByText('line 5000').waitFor()
    expect(await page.locator('.log-line').count()).toBeLessThan(120)
    expect(await page.locator('.log-line .ansi-green').first().textContent()).toBe('line')
    await page.getByLabel('Least level').selectOption('error')
    await page.getByText('50 of 5,000 lines').waitFor()
    await page.getByLabel('Find in the log').fill('LINE 4900')
    await page.getByText('1 of 5,000 lines').waitFor()
    expect(await page.locator('.log mark').allTextContents()).toEqual(['line', ' 4900'])
  })

  it('is found in a large payload by a search, and its path can be copied', async () => {
    const rows = Array.from({ length: 9_000 }, (_, id) => ({ id, name: `Row ${id}`, tags: ['a', 'b'] }))
    await submit({ task_type: 'noop', task_id: 'large-1', payload: { rows } })
    const page = await scene.open('/tasks/large-1')
    const tree = page.getByRole('tree', { name: 'payload' })
    await tree.waitFor()
    expect(await tree.getByRole('treeitem').count()).toBeLessThan(80)
    await page.getByLabel('Find in the payload').fill('Row 8765')
    await page.locator('.json-detail code').getByText('rows[8765].name').waitFor()
    await tree.focus()
    await page.keyboard.press('ArrowDown')
    await page.locator('.json-detail code').getByText('rows[8765].tags').waitFor()
  })

  it('runs again with another payload, and shows what is different', async () => {
    await submit({
      task_type: 'order',
      task_id: 'again-1',
      payload: { customer: { name: 'Ada' }, lines: [{ sku: 'A' }] },
    })
    const page = await scene.open('/tasks/again-1')
    await reach(page, 'completed')
    await page.keyboard.press('e')
    await page.getByRole('tab', { name: 'JSON' }).click()
    await page.getByLabel('As JSON').fill('{"customer": {"name": "Grace"},\n "lines": [{"sku" "A"}]}')
    await page.getByText('Line 2, column 19').waitFor()
    await page.getByLabel('As JSON').fill('{"customer": {"name": "G"}, "lines": [{"sku": "A"}]}')
    await page.locator('.schema-faults').getByText('/payload/customer/name').waitFor()
    await page.getByLabel('As JSON').fill('{"customer": {"name": "Grace"}, "lines": [{"sku": "A"}]}')
    await page.locator('.changes ins').getByText('"Grace"').waitFor()
    await page.getByRole('button', { name: 'Submit and watch' }).click()
    await page.locator('.task-id').getByText('again-1').waitFor({ state: 'detached' })
    await page.getByRole('treeitem', { name: 'name: "Grace"' }).first().waitFor()
  })

  it('is submitted by a nested form, with what is wrong at its field, and keeps a draft', async () => {
    const page = await scene.open()
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.keyboard.press('n')
    await page.getByLabel('Type', { exact: true }).fill('places')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.locator('#payload-customer-name').fill('A')
    await page.getByRole('button', { name: 'Submit and watch' }).click()
    await page.locator('#payload-customer-name-fault').getByText('at least 2 characters').waitFor()
    await page.locator('#payload-customer-name').fill('Ada')
    await page.getByRole('button', { name: 'Add to lines' }).click()
    await page.locator('#payload-lines-0-sku').fill('X-1')
    await page.locator('#payload-pay-variant').selectOption('Bank')
    await page.locator('#payload-pay-iban').fill('DE00')
    await page.keyboard.press('Escape')
    await page.locator('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('n')
    await page.getByText('What you had begun is here again.').waitFor()
    await page.getByRole('button', { name: 'Submit and watch' }).click()
    await reach(page, 'completed')
    const id = await page.locator('.task-id').textContent()
    expect((await call(scene.url, 'GET', `/api/tasks/${id}`)).body.payload).toEqual({
      shipping: 'standard',
      customer: { name: 'Ada' },
      lines: [{ sku: 'X-1', count: 1 }],
      pay: { iban: 'DE00' },
    })
  })

  it('shows a refusal of the scheduler at the field it is about', async () => {
    const page = await scene.open()
    await page.getByRole('button', { name: 'Submit', exact: true }).click()
    await page.getByLabel('Type', { exact: true }).fill('noop')
    await page.getByText('More', { exact: true }).click()
    await page.getByLabel('Retries').fill('1000')
    await page.getByRole('button', { name: 'Submit and watch' }).click()
    const field = page.locator('input[aria-invalid=true]')
    await field.waitFor()
    const fault = await field.getAttribute('aria-describedby')
    expect(await page.locator(`[id="${fault}"]`).textContent()).toContain('100')
  })

  it('submits many, each with its own outcome', async () => {
    await pause('many')
    const page = await scene.open()
    await page.getByRole('button', { name: 'Submit', exact: true }).click()
    await page.getByRole('button', { name: 'Many' }).click()
    await page.getByLabel('Type', { exact: true }).fill('noop')
    await page.getByText('More', { exact: true }).click()
    await page.getByLabel('Queue').fill('many')
    const lines = Array.from({ length: 300 }, (_, x) => JSON.stringify({ x }))
    lines.push('{"task_type": "not a type!"}')
    await page.getByLabel('Payloads or tasks', { exact: true }).fill(`${lines.join('\n')}\n{`)
    await page.getByText('Line 302, column 2').waitFor()
    await page.getByLabel('Payloads or tasks', { exact: true }).fill(lines.join('\n'))
    await page.getByRole('button', { name: 'Submit 301' }).click()
    await page.getByText('300 created, 1 refused.').waitFor()
    await page.getByText(/^Entry 301:/).waitFor()
    await page.getByRole('link', { name: 'Watch them' }).click()
    await page.locator('tr.row').first().waitFor()
    expect(page.url()).toContain('label=batch')
  })

  it('purges a paused queue after a count', async () => {
    await pause('full')
    await call(scene.url, 'POST', '/api/tasks/batch', {
      tasks: Array.from({ length: 7 }, () => ({ task_type: 'noop', queue: 'full' })),
    })
    const page = await scene.open('/queues/full')
    await page.getByRole('button', { name: 'Purge' }).click()
    const dialog = page.locator('dialog')
    await dialog.getByText('7 tasks').waitFor()
    expect(await dialog.getByRole('button', { name: 'Purge' }).isDisabled()).toBe(true)
    await dialog.getByLabel(/^Type full/).fill('full')
    await dialog.getByRole('button', { name: 'Purge' }).click()
    await page.getByText('Purged: 7 cancelled.').waitFor()
    await page.getByText('Nothing waits in this queue.').waitFor()
  })

  it('leads from task to task of a queue, and back to it', async () => {
    await pause('row')
    for (const at of [1, 2]) await submit({ task_type: 'noop', task_id: `row-${at}`, name: `Row ${at}`, queue: 'row' })
    const page = await scene.open('/queues/row')
    await page.locator('.run-list').getByRole('link', { name: 'Row 1' }).click()
    await page.getByText('1 of 2', { exact: true }).waitFor()
    await page.keyboard.press(']')
    await page.getByRole('heading', { name: 'Row 2' }).waitFor()
    await page.locator('.task-way').getByRole('link', { name: 'row' }).click()
    await page.getByText('Waits longest').waitFor()
  })

  it('shows a worker with what it runs and the log of it, and lets it go', async () => {
    const second = scene.stage.worker(scene.url, [
      '--worker-id',
      'second',
      '--capabilities',
      'sleep',
      '--label',
      'version=2.5',
    ])
    await submit({ task_type: 'sleep', task_id: 'nap', name: 'A nap', payload: { seconds: 600 } })
    const page = await scene.open('/workers')
    await page.locator('[data-worker=second] a').click()
    await page.getByRole('heading', { name: 'second' }).waitFor()
    await page.locator('.run-list').getByRole('link', { name: 'A nap' }).waitFor()
    await page.getByLabel('The task whose log is shown').waitFor()
    await page.locator('.facts').getByText('2.5', { exact: true }).waitFor()
    await page.getByText(/^tasklane-sdk\/\d.* node\//).waitFor()
    await call(scene.url, 'POST', '/api/tasks/nap/cancel')
    await page.getByText('Nothing at the moment.').waitFor()
    await page.getByRole('button', { name: 'Drain' }).click()
    await page.locator('dialog').getByRole('button', { name: 'Drain' }).click()
    await page.getByText('This worker is not registered').waitFor()
    expect((await second.exited).code).toBe(0)
  })

  it('says so when it was deleted while it was open', async () => {
    await submit({ task_type: 'noop', task_id: 'gone-1' })
    const page = await scene.open('/tasks/gone-1')
    await reach(page, 'completed')
    expect((await call(scene.url, 'DELETE', '/api/tasks/gone-1')).status).toBe(204)
    // Live off and on again: all that is shown is asked for anew.
    await page.keyboard.press('l')
    await page.keyboard.press('l')
    await page.getByText('This task was deleted, or pruned').waitFor()
    expect(await page.getByRole('button', { name: 'Delete this task' }).count()).toBe(0)
  })

  it('is text wherever somebody else wrote it', async () => {
    const evil = `<img src=x onerror="window.broken=1"><script>window.broken=1</script>`
    await call(scene.url, 'POST', '/api/workers/register', {
      worker_id: 'evil',
      capabilities: ['evil.type'],
      labels: { evil },
      types: {
        'evil.type': {
          type: 'object',
          title: evil,
          description: evil,
          properties: { [evil]: { type: 'string', title: evil, enum: [evil] } },
        },
      },
    })
    await submit({ task_type: 'evil.type', task_id: 'evil-1', name: evil, payload: { [evil]: evil }, labels: { evil } })
    const claimed = await call<{ tasks: { epoch: number }[] }>(scene.url, 'POST', '/api/workers/evil/claim', {
      limit: 1,
      wait: 20,
    })
    const epoch = claimed.body.tasks[0]?.epoch
    const logs = [{ task_id: 'evil-1', epoch, level: 'error', message: `\u001b[31m${evil}\u001b[0m` }]
    await call(scene.url, 'POST', '/api/workers/evil/logs', { logs })
    const error = { code: 'error', message: evil, stack: `${evil}\nCaused by: ${evil}` }
    const results = [{ task_id: 'evil-1', epoch, outcome: 'failed', retryable: false, error }]
    await call(scene.url, 'POST', '/api/workers/evil/settle', { results })
    const page = await scene.open()
    for (const path of ['/tasks/evil-1', '/workers/evil', '/queues/default', '/workers', '/queues']) {
      await goTo(page, path)
      if (path === '/tasks/evil-1') await page.locator('.log').getByText('window.broken=1').first().waitFor()
    }
    // What only lost workers run is not offered.
    const beat = () => call(scene.url, 'POST', '/api/workers/evil/heartbeat', {})
    await beat()
    await page.keyboard.press('n')
    await page.getByLabel('Type', { exact: true }).fill('evil.type')
    await until(
      () => beat().then(() => page.locator('dialog').getByText('window.broken=1').count()),
      count => count > 0,
      () => 'the form of its type',
    )
    expect(await page.evaluate('window.broken')).toBeUndefined()
    expect(await page.locator('main img, main script, dialog img, dialog script').count()).toBe(0)
    await call(scene.url, 'DELETE', '/api/workers/evil')
  })

  it('has no serious fault of accessibility, and fits a phone', async () => {
    await submit({ task_type: 'talk', task_id: 'talk-3', payload: { lines: 1, fails: true }, max_retries: 0 })
    const places = [
      ['/tasks/talk-3', 'talk'],
      ['/tasks/nobody-1', 'gpu.train'],
      ['/queues/many', 'many'],
      ['/workers/first', 'first'],
    ] as const
    const faults: string[] = []
    for (const colorScheme of ['dark', 'light'] as const) {
      const viewport = colorScheme === 'dark' ? { width: 1_280, height: 850 } : { width: 390, height: 844 }
      const page = await scene.open('/tasks/talk-3', { colorScheme, viewport, reducedMotion: 'reduce' })
      await addAxe(page)
      const look = async (name: string) => {
        faults.push(...(await seriousFaults(page)).map(fault => `${name} ${colorScheme}: ${fault}`))
        const isWide = await page.evaluate(
          'document.querySelector("main").scrollWidth > document.querySelector("main").clientWidth',
        )
        if (isWide === true) faults.push(`${name} is wider than its window of ${viewport.width}`)
      }
      for (const [path, title] of places) {
        await page.evaluate(`location.hash = ${JSON.stringify(path)}`)
        // The page before stays until the next one is there.
        await page.getByRole('heading', { name: title, exact: true, level: 1 }).waitFor()
        await until(
          () => page.locator('main .skeletons').count(),
          count => count === 0,
          () => `${path} to be drawn`,
        )
        await look(path)
      }
      await page.keyboard.press('n')
      await page.getByLabel('Type', { exact: true }).fill('order')
      await page.getByRole('button', { name: 'Submit and watch' }).click()
      await page.getByRole('alert').waitFor()
      await look('submit')
      await page.getByRole('button', { name: 'Many' }).click()
      await look('submit many')
    }
    expect(faults).toEqual([])
  })
})
