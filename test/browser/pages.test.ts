import type { Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { call, type Running, until } from '../support/processes.ts'
import { addAxe, seriousFaults } from './support/axe.ts'
import { goTo } from './support/go-to.ts'
import { startReceiver } from './support/receiver.ts'
import { describeInBrowser, setScene } from './support/scene.ts'

describeInBrowser('the pages in a browser', () => {
  // Leases of three seconds: a worker that dies is missed soon.
  const scene = setScene({ HEARTBEAT_INTERVAL: '1', TASKLANE_TRACE_URL: 'https://traces.example/{trace_id}?of=tasks' })
  let first: Running

  beforeAll(async () => {
    first = scene.stage.worker(scene.url, ['--worker-id', 'first', '--concurrency', '4', '--allow-private-addresses'])
    await until(
      workers,
      count => count === 1,
      () => 'the first worker',
    )
  })

  async function workers(): Promise<number> {
    const { body } = await call<{ workers: { status: string }[] }>(scene.url, 'GET', '/api/workers')
    return body.workers.filter(worker => worker.status === 'active').length
  }

  async function submit(task: object): Promise<string> {
    const { status, body } = await call<{ task_id: string }>(scene.url, 'POST', '/api/tasks', task)
    expect(status).toBe(201)
    return body.task_id
  }

  function state(page: Page): Promise<string | null> {
    return page.locator('.task-title .state').getAttribute('data-state')
  }

  it('take a task by its form, drawn from its schema, and show it run and finish without a reload', async () => {
    let open = (_answer: string): void => {}
    const opened = new Promise<string>(resolve => {
      open = resolve
    })
    // It runs for as long as nobody answers, however busy the machine is.
    const door = await startReceiver(() => opened)
    const page = await scene.open()
    await page.getByRole('button', { name: 'Submit', exact: true }).click()
    await page.getByLabel('Type', { exact: true }).fill('http_request')
    await page.getByLabel(/^url/).fill(door.url)
    await page.getByText('More', { exact: true }).click()
    await page.getByLabel('Name', { exact: true }).fill('At the door')
    await page.getByRole('button', { name: 'Submit and watch' }).click()
    await page.getByRole('heading', { name: 'At the door' }).waitFor()
    await until(
      () => state(page),
      now => now === 'running',
      () => 'it to run',
    )
    open('It is open now.')
    await until(
      () => state(page),
      now => now === 'completed',
      () => 'it to finish',
    )
    await page.getByText('It is open now.').waitFor()
    door.close()
  })

  it('lead from a task to its trace, where one is kept', async () => {
    const id = '0af7651916cd43dd8448eb211c80319c'
    const headers = { 'content-type': 'application/json', traceparent: `00-${id}-b7ad6b7169203331-01` }
    const body = JSON.stringify({ task_type: 'noop', task_id: 'traced' })
    expect((await fetch(`${scene.url}/api/tasks`, { method: 'POST', headers, body })).status).toBe(201)
    const link = (await scene.open('/tasks/traced')).locator('.facts a', { hasText: id })
    await link.waitFor()
    expect(await link.getAttribute('href')).toBe(`https://traces.example/${id}?of=tasks`)
  })

  it('say at the field what the scheduler refuses', async () => {
    const page = await scene.open()
    await page.getByRole('button', { name: 'Submit', exact: true }).click()
    await page.getByLabel('Type', { exact: true }).fill('no such type!')
    await page.getByRole('button', { name: 'Submit and watch' }).click()
    await page.getByRole('alert').getByText('/task_type').waitFor()
  })

  it('cancel a task that runs, and a second browser sees it', async () => {
    const id = await submit({ task_type: 'sleep', payload: { seconds: 600 } })
    const [page, other] = await Promise.all([scene.open(`/tasks/${id}`), scene.open(`/tasks/${id}`)])
    await until(
      () => state(other),
      now => now === 'running',
      () => 'it to run',
    )
    await page.getByRole('button', { name: 'Cancel', exact: true }).click()
    await page.getByRole('button', { name: 'Cancel the task' }).click()
    await until(
      () => state(page),
      now => now === 'cancelled',
      () => 'it to be cancelled',
    )
    await until(
      () => state(other),
      now => now === 'cancelled',
      () => 'the other browser to see it',
    )
  })

  it('show a worker die and its task go on elsewhere', async () => {
    const id = await submit({ task_type: 'sleep', payload: { seconds: 600 } })
    const page = await scene.open(`/tasks/${id}`)
    await until(
      () => state(page),
      now => now === 'running',
      () => 'it to run',
    )
    const second = scene.stage.worker(scene.url, ['--worker-id', 'second', '--concurrency', '4'])
    await until(
      workers,
      count => count === 2,
      () => 'the second worker',
    )
    first.kill('SIGKILL')
    const attempts = page.locator('.step')
    await attempts.nth(1).getByText('second').waitFor()
    expect(await attempts.nth(0).locator('.state').getAttribute('data-state')).toBe('crashed')
    const other = await scene.open('/workers')
    await other.locator('[data-worker=first]').getByText('Lost').waitFor()
    expect((await call(scene.url, 'POST', `/api/tasks/${id}/cancel`)).status).toBe(200)
    await until(
      () => state(page),
      now => now === 'cancelled',
      () => 'it to be cancelled',
    )
    first = second
  })

  it('retry all that match, after counting them', async () => {
    const label = { batch: 'failing' }
    const payload = { path: '/not/allowed' }
    await Promise.all([1, 2, 3].map(() => submit({ task_type: 'count_file', payload, labels: label, max_retries: 0 })))
    const page = await scene.open('/tasks?status=failed&label=batch:failing')
    await until(
      () => page.locator('tr.row').count(),
      count => count === 3,
      () => 'three failed rows',
    )
    await page.getByLabel('Select the 3 tasks of the list').check()
    await page.getByRole('button', { name: 'Retry', exact: true }).click()
    await page.getByRole('button', { name: 'Retry 3' }).click()
    await page.getByText(/Retry: .*3/).waitFor()
    const attempts = async () => {
      const { body } = await call<{ tasks: { attempt: number; status: string }[] }>(
        scene.url,
        'GET',
        '/api/tasks?label=batch:failing',
      )
      return body.tasks.filter(task => task.status === 'failed').length
    }
    await until(
      attempts,
      count => count === 3,
      () => 'them to fail once more',
    )
  })

  it('keep the filters in the address, over a reload', async () => {
    await submit({ task_type: 'noop', queue: 'quiet', name: 'Needle' })
    await submit({ task_type: 'noop', queue: 'quiet', name: 'Hay' })
    const page = await scene.open('/tasks?queue=quiet')
    await until(
      () => page.locator('tr.row').count(),
      count => count === 2,
      () => 'two rows',
    )
    await page.getByPlaceholder('Id, name or type').fill('Needle')
    await until(
      () => page.locator('tr.row').count(),
      count => count === 1,
      () => 'one row',
    )
    await page.reload()
    await page.getByRole('link', { name: /Needle/ }).waitFor()
    expect(await page.locator('tr.row').count()).toBe(1)
    expect(page.url()).toContain('q=Needle')
  })

  it('offer new rows instead of moving the old ones', async () => {
    await submit({ task_type: 'noop', queue: 'chip', name: 'Old' })
    const page = await scene.open('/tasks?queue=chip')
    await page.getByRole('link', { name: /Old/ }).waitFor()
    await submit({ task_type: 'noop', queue: 'chip', name: 'New' })
    const chip = page.getByRole('button', { name: '1 new' })
    await chip.waitFor()
    expect(await page.locator('tr.row').count()).toBe(1)
    await chip.click()
    await page.getByRole('link', { name: /New/ }).waitFor()
  })

  it('pause a queue and say so to a task that waits in it', async () => {
    await submit({ task_type: 'noop', queue: 'slow' })
    const page = await scene.open('/queues')
    const row = page.locator('tr[data-queue=slow]')
    await row.getByRole('button', { name: 'Pause' }).click()
    // The reason has the focus, and Enter pauses.
    await page.keyboard.type('Deploying the new mailer')
    await page.keyboard.press('Enter')
    await row.getByText('Paused').waitFor()
    await row.getByText(/(now|ago): Deploying the new mailer$/).waitFor()
    const id = await submit({ task_type: 'noop', queue: 'slow' })
    const task = await scene.open(`/tasks/${id}`)
    await task.getByText(/^Its queue 'slow' is paused since (?!\S*Z).+: Deploying the new mailer; resume it/).waitFor()
    const queue = await scene.open('/queues/slow')
    await queue.getByText(/^Paused (now|.* ago): Deploying the new mailer/).waitFor()
    await queue.getByRole('button', { name: 'Change the reason' }).click()
    await queue.getByLabel('Reason').fill('The mailer is broken')
    await queue.keyboard.press('Enter')
    await queue.getByText(/: The mailer is broken/).waitFor()
    await addAxe(queue)
    expect(await seriousFaults(queue)).toEqual([])
    const overview = await scene.open('/')
    await overview.getByText(/slow is paused; \d tasks? waits? · The mailer is broken/).waitFor()
    await row.getByRole('button', { name: 'Resume' }).click()
    await until(
      () => state(task),
      now => now === 'completed',
      () => 'it to run',
    )
  })

  it('draw a graph, with a list that says the same', async () => {
    await submit({ task_type: 'noop', task_id: 'g-1', name: 'Root' })
    await submit({ task_type: 'noop', task_id: 'g-2', name: 'Leaf', dependencies: ['g-1'] })
    const page = await scene.open('/tasks/g-1/graph')
    await page.locator('.react-flow__node').getByText('Leaf').waitFor()
    await page.locator('.node[data-state=completed]').nth(1).waitFor()
    await page.getByRole('button', { name: 'List' }).click()
    await page.getByRole('row', { name: /Completed Leaf Root/ }).waitFor()
  })

  it('show whatever a task says as text', async () => {
    const evil = `<img src=x onerror="window.broken=1"><script>window.broken=1</script>{{7*7}}javascript:window.broken=1`
    const id = await submit({
      task_type: 'count_file',
      name: evil.slice(0, 250),
      description: evil,
      payload: { path: evil, [evil]: evil },
      labels: { [evil.slice(0, 60)]: evil.slice(0, 250) },
      max_retries: 0,
    })
    const page = await scene.open()
    for (const path of ['/', '/tasks', `/tasks/${id}`, `/tasks?q=${encodeURIComponent(evil)}`, '/queues', '/workers']) {
      await goTo(page, path)
      if (path === `/tasks/${id}`) await page.getByText('window.broken=1').first().waitFor()
      expect(await page.evaluate('window.broken')).toBeUndefined()
      expect(await page.locator('main img, main script').count()).toBe(0)
    }
  })

  it('are used by the keyboard alone', async () => {
    await submit({ task_type: 'noop', name: 'Near the keys' })
    const page = await scene.open()
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.keyboard.press('Control+k')
    await page.getByPlaceholder('A task, a queue').waitFor()
    await page.keyboard.type('go to tasks')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Tasks', exact: true }).waitFor()
    await page.locator('tr.row').first().waitFor()
    await page.keyboard.press('j')
    const name = await page.evaluate('document.activeElement.querySelector(".row-name").textContent')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: String(name), exact: true }).waitFor()
    await page.keyboard.press('n')
    await page.getByLabel('Type', { exact: true }).waitFor()
    await page.keyboard.press('Escape')
    await until(
      () => page.locator('dialog').count(),
      count => count === 0,
      () => 'the drawer to close',
    )
    await page.keyboard.press('?')
    await page.getByRole('heading', { name: 'Keyboard shortcuts' }).waitFor()
  })

  it('offer a first admin of one’s own before the door is opened to a network', async () => {
    const page = await scene.open('/admin')
    await page.getByRole('button', { name: 'Set up the first admin' }).click()
    await page.getByLabel('Your user name').fill('grace')
    await page.getByLabel('Your password', { exact: true }).fill('a password of her own')
    await page.getByLabel('Your password again').fill('a password of her own')
    await page.getByRole('button', { name: 'Set up', exact: true }).click()
    await page.getByText('grace may log in').waitFor()
    await page.getByText(/API_HOST=0\.0\.0\.0/).waitFor()
    await page.getByRole('row', { name: /grace admin May log in/ }).waitFor()
    // Nobody was made before whose password nobody has seen.
    expect(await page.getByLabel(/disabled user/).count()).toBe(0)
    expect(await page.locator('tbody tr').count()).toBe(1)
  })

  it('have no serious fault of accessibility, dark or light', async () => {
    const id = await submit({ task_type: 'count_file', payload: { path: '/x' }, max_retries: 0 })
    const paths = ['/', '/tasks', `/tasks/${id}`, '/tasks/g-1/graph', '/queues', '/workers', '/failures', '/admin']
    const faults: string[] = []
    for (const colorScheme of ['dark', 'light'] as const) {
      const page = await scene.open('/', { colorScheme, reducedMotion: 'reduce' })
      await addAxe(page)
      for (const path of paths) {
        await goTo(page, path)
        faults.push(...(await seriousFaults(page)).map(fault => `${path} ${colorScheme}: ${fault}`))
      }
      await page.keyboard.press('n')
      await page.getByLabel('Type', { exact: true }).fill('add')
      await page.locator('#payload-x').waitFor()
      faults.push(...(await seriousFaults(page)).map(fault => `submit ${colorScheme}: ${fault}`))
    }
    expect(faults).toEqual([])
  })
})
