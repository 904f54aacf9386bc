import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, command, type Running, until } from '../support/processes.ts'
import { freePort } from '../support/servers/free-port.ts'
import { type FreshDatabase, freshDatabase, postgresServer } from '../support/servers/postgres.ts'
import { describeInBrowser, setScene } from './support/scene.ts'

const hasPostgres = (await postgresServer()) !== null

describeInBrowser('the pages stay live', () => {
  const scene = setScene()
  let mortal: { readonly url: string; readonly data: string; readonly running: Running }
  beforeAll(async () => {
    mortal = await scene.stage.scheduler({ port: await freePort() })
  })

  it('while a scheduler dies and comes back: they say how old they are, then go on', async () => {
    const id = await submit(mortal.url, { task_type: 'noop' })
    const page = await scene.sight.open(mortal.url, `/tasks/${id}`)
    await pillIs(page, 'live')
    await until(
      () => page.evaluate(`performance.getEntriesByType('resource').map(({ name }) => name).join()`),
      names => /assets\/admin-/.test(String(names)),
      () => 'the pages that were not opened to be fetched',
    )
    mortal.running.kill('SIGKILL')
    await mortal.running.exited
    await page.getByText(/The scheduler cannot be reached; this is as of/).waitFor()
    await pillIs(page, 'away')
    expect(await page.locator('.pill[data-live]').textContent()).toMatch(/As of .*\d/)
    expect(await stateOf(page)).toBe('pending')
    // A page that was fetched ahead, and one that was not.
    await page.getByRole('link', { name: 'Workers' }).click()
    await page.getByText('The scheduler cannot be reached', { exact: true }).waitFor()
    await page.evaluate(`location.hash = '/tasks/${id}/graph'`)
    await page.getByText('This part of the pages could not be loaded').waitFor()
    await page.getByRole('link', { name: 'Queues' }).waitFor()

    await scene.stage.scheduler({ port: Number(new URL(mortal.url).port), data: mortal.data })
    expect((await call(mortal.url, 'POST', `/api/tasks/${id}/cancel`)).status).toBe(200)
    await pillIs(page, 'live')
    await page.getByText('It stands alone').waitFor()
    const complaints = scene.sight.complaints()
    expect(complaints.filter(each => !/Unable to preload CSS|CONNECTION_RESET/.test(each))).toEqual([])
    await page.goBack()
    await page.goBack()
    await stateIs(page, 'cancelled')
    await page.getByText(/as of/i).waitFor({ state: 'detached' })
  })

  it('without a stream: they ask, unchanged answers cost nothing, and the stream is taken up again', async () => {
    const id = await submit(scene.url, { task_type: 'noop' })
    const page = await scene.open('/queues')
    await pillIs(page, 'live')
    await page.route('**/api/events*', route => route.fulfill({ status: 503, body: '{}' }))
    const statuses: number[] = []
    page.on('response', reply => {
      if (reply.url().includes(`/api/tasks/${id}`)) statuses.push(reply.status())
    })
    await page.reload()
    await page.evaluate(`location.hash = '/tasks/${id}'`)
    await pillIs(page, 'polling')
    await until(
      () => statuses.filter(status => status === 304).length,
      count => count >= 1,
      () => 'a poll that is answered with 304',
    )
    await call(scene.url, 'POST', `/api/tasks/${id}/cancel`)
    await stateIs(page, 'cancelled')
    await page.unroute('**/api/events*')
    await pillIs(page, 'live')
  })

  it('but not while nobody sees them: a hidden page asks nothing, and catches up when it is seen', async () => {
    const id = await submit(scene.url, { task_type: 'noop' })
    const [page, witness] = await Promise.all([scene.open(`/tasks/${id}`), scene.open(`/tasks/${id}`)])
    await Promise.all([pillIs(page, 'live'), pillIs(witness, 'live')])
    await stateIs(page, 'pending')
    await setHidden(page, true)
    const asked: string[] = []
    page.on('request', request => {
      if (request.url().includes('/api/')) asked.push(request.url())
    })
    await call(scene.url, 'POST', `/api/tasks/${id}/cancel`)
    await stateIs(witness, 'cancelled')
    expect(asked).toEqual([])
    expect(await stateOf(page)).toBe('pending')
    await setHidden(page, false)
    await stateIs(page, 'cancelled')
    await pillIs(page, 'live')
  })

  describe.skipIf(!hasPostgres)('with two nodes on one database', () => {
    let database: FreshDatabase
    let here: string
    let there: string
    beforeAll(async () => {
      database = await freshDatabase()
      ;[here, there] = await Promise.all([serve(), serve()])
    })
    // The schedulers go first, with the stage.
    afterAll(() => scene.stage.close().then(() => database.drop()))

    it('what ends through the other node is seen here: on the page of the task, in its graph and in the list', async () => {
      await submit(there, { task_id: 'first', task_type: 'any', name: 'First' })
      await submit(there, { task_id: 'second', task_type: 'any', name: 'Second', dependencies: ['first'] })
      const paths = ['/tasks/second', '/tasks/second/graph', '/tasks']
      const [task, graph, list] = await Promise.all(paths.map(path => scene.sight.open(here, path)))
      if (task === undefined || graph === undefined || list === undefined) throw new Error('Three pages were opened.')
      await Promise.all([task, graph, list].map(page => pillIs(page, 'live')))
      await stateIs(task, 'blocked')
      await nodeIs(graph, 'first', 'pending')
      await runOne(there, 'first')
      const endedMs = performance.now()
      await Promise.all([
        stateIs(task, 'pending'),
        nodeIs(graph, 'first', 'completed'),
        nodeIs(graph, 'second', 'pending'),
      ])
      const tookMs = Math.round(performance.now() - endedMs)
      process.stderr.write(`\nFrom the end at the other node to the last of three sights: ${tookMs} ms.\n`)
      await runOne(there, 'second')
      await Promise.all([
        stateIs(task, 'completed'),
        nodeIs(graph, 'second', 'completed'),
        list.locator('tr[data-id=second] [data-state=completed]').waitFor(),
      ])
    })

    async function serve(): Promise<string> {
      const running = scene.stage.run(process.execPath, [command, 'serve', '--port', '0'], {
        env: { DATABASE_URL: database.url, LOG_LEVEL: 'warn' },
      })
      const line = await until(
        () => running.stdout().split('\n')[0] ?? '',
        first => first !== '',
        () => `the scheduler to listen; it said: ${running.stderr()}`,
      )
      return line.trim()
    }
  })
})

async function submit(url: string, task: object): Promise<string> {
  const { status, body } = await call<{ task_id: string }>(url, 'POST', '/api/tasks', task)
  expect(status).toBe(201)
  return body.task_id
}

/** Claims and ends a task at this node, as its worker would. */
async function runOne(url: string, id: string): Promise<void> {
  await call(url, 'POST', '/api/workers/register', {
    ...{ worker_id: 'w1', capabilities: ['*'], max_concurrent_tasks: 1, instance: 'one' },
  })
  const { body } = await call<{ tasks: { task_id: string; epoch: number }[] }>(url, 'POST', '/api/workers/w1/claim', {
    ...{ limit: 1, wait: 20 },
  })
  expect(body.tasks.map(task => task.task_id)).toEqual([id])
  const results = body.tasks.map(({ task_id, epoch }) => ({ task_id, epoch, outcome: 'completed', result: 1 }))
  await call(url, 'POST', '/api/workers/w1/settle', { results })
}

function pillIs(page: Page, live: string): Promise<void> {
  return page.locator(`.pill[data-live=${live}]`).waitFor({ timeout: 30_000 })
}

function stateOf(page: Page): Promise<string | null> {
  return page.locator('.task-title .state').getAttribute('data-state')
}

function stateIs(page: Page, state: string): Promise<void> {
  return page.locator(`.task-title .state[data-state=${state}]`).waitFor()
}

function nodeIs(page: Page, id: string, state: string): Promise<void> {
  return page.locator(`[data-item=${id}][data-state=${state}]`).waitFor()
}

function setHidden(page: Page, isHidden: boolean): Promise<unknown> {
  return page.evaluate(`
    Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true })
    Object.defineProperty(document, 'visibilityState', { value: '${isHidden ? 'hidden' : 'visible'}', configurable: true })
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))`)
}
