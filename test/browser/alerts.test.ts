import type { Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { until } from '../support/processes.ts'
import { addAxe, seriousFaults } from './support/axe.ts'
import { goTo } from './support/go-to.ts'
import { type CallAs, callerOf, logIn } from './support/people.ts'
import { startReceiver } from './support/receiver.ts'
import { describeInBrowser, setScene } from './support/scene.ts'

const password = 'a long enough password'
const evil = '<img src=x onerror="window.broken=1">'

describeInBrowser('alerts in a browser', () => {
  const scene = setScene({
    TASKLANE_AUTH: 'required',
    TASKLANE_ADMIN_PASSWORD: password,
    TASKLANE_WEBHOOK_ALLOW: '127.0.0.1',
    // Rules are looked at as often as workers are heard, and not for a lease after the start: one second, then, and three.
    HEARTBEAT_INTERVAL: '1',
  })
  let admin: CallAs

  beforeAll(async () => {
    admin = await callerOf(scene.url, 'admin', password)
    for (const role of ['viewer', 'operator']) {
      expect((await admin('POST', '/api/users', { name: role, password, role })).status).toBe(201)
    }
  })

  async function openAs(name: string, path: string, options = {}): Promise<Page> {
    const page = await scene.open(path, options)
    await logIn(page, name, password)
    await page.locator('main.main h1').waitFor()
    return page
  }

  it('fire, are silenced, and go into the history when the trouble is over, all without a reload', async () => {
    const page = await openAs('admin', '/alerts?tab=rules')
    await page.getByRole('button', { name: 'Edit Queue without a worker' }).click()
    await page.getByLabel('When it has held for').selectOption('at once')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('A queue has tasks, and no live worker serves it.', { exact: true }).waitFor()
    const [overview, alerts] = await Promise.all([openAs('operator', '/'), openAs('operator', '/alerts')])
    await alerts.getByText('Nothing fires').waitFor()
    await alerts.getByRole('link', { name: /^\d+ rules$/ }).waitFor()

    expect((await admin('POST', '/api/tasks', { task_type: 'lonely', queue: 'nobody' })).status).toBe(201)
    const item = alerts.getByRole('list', { name: 'Firing' }).getByRole('listitem')
    await item.locator('[data-severity=critical]').waitFor()
    await alerts.getByRole('link', { name: /^Alerts\s*1 firing/ }).waitFor()
    const attention = overview.locator('.attention li').first()
    await attention.getByText('Critical').waitFor()
    await attention.getByRole('link', { name: /nobody/ }).click()
    await overview.getByRole('heading', { name: 'Tasks', exact: true }).waitFor()
    expect(overview.url()).toMatch(/queue=nobody/)
    await goTo(overview, '/queues/nobody')
    await overview.getByRole('list', { name: 'Alerts' }).getByText('Critical').waitFor()

    await item.getByRole('button', { name: 'Silence' }).click()
    expect(await alerts.locator('dialog').getByRole('button', { name: 'Silence' }).isDisabled()).toBe(true)
    await alerts.getByLabel('Reason').fill(`On it. ${evil}`)
    await alerts.keyboard.press('Enter')
    const silenced = alerts.getByRole('list', { name: 'Silenced' }).getByRole('listitem')
    await silenced.getByText(`On it. ${evil}`).waitFor()
    await alerts.getByText('Nothing fires').waitFor()
    expect(await alerts.getByRole('link', { name: /firing/ }).count()).toBe(0)

    const worker = { worker_id: 'w1', capabilities: ['lonely'], queues: ['nobody'] }
    expect((await admin('POST', '/api/workers/register', worker)).status).toBe(201)
    await silenced.waitFor({ state: 'detached' })
    await alerts.getByRole('tab', { name: 'History' }).click()
    const past = alerts.getByRole('list', { name: 'History' }).getByRole('listitem')
    await past.getByText('Resolved').waitFor()
    await past.getByRole('link', { name: 'Queue without a worker' }).click()
    await alerts.locator('dialog').getByText('Seen first').waitFor()
    expect(await alerts.evaluate('window.broken')).toBeUndefined()
  })

  it('are watched for by rules that are made in a form, which says what is wrong at its field', async () => {
    const page = await openAs('admin', '/alerts?tab=rules')
    await page.getByRole('button', { name: 'Add a rule' }).click()
    await page.getByLabel('Name', { exact: true }).fill(evil)
    await page.getByLabel('Watches for').selectOption('waiting_long')
    await page.getByText('there are too few slots for it').waitFor()
    await page.getByLabel('More than so many seconds').fill('soon')
    await page.keyboard.press('Enter')
    await page.locator('dialog .fault-text').waitFor()
    await page.getByLabel('More than so many seconds').fill('90')
    await page.getByLabel('Queue', { exact: true }).fill('mail')
    await page.getByLabel('Severity').selectOption('Critical')
    await page.getByText('The first task in queue mail waits more than 1 m 30 s, for 1 m.').waitFor()
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    const row = page.getByRole('row', { name: /in queue mail waits/ })
    await row.getByText(evil).waitFor()
    // By the keyboard: what was done just now is told above it.
    await row.getByRole('switch').press('Space')
    await until(
      () => row.getByRole('switch').isChecked(),
      isOn => !isOn,
      () => 'the rule to be turned off',
    )
    await row.getByRole('button', { name: /^Delete/ }).press('Enter')
    await page.locator('dialog').getByRole('button', { name: 'Delete' }).click()
    await row.waitFor({ state: 'detached' })
    expect(await page.evaluate('window.broken')).toBeUndefined()
  })

  it('are sent to channels, which can be tried', async () => {
    const receiver = await startReceiver(() => 'Thank you for that')
    const page = await openAs('admin', '/alerts?tab=channels')
    await page.getByText('Nobody is told yet').waitFor()
    await page.getByRole('button', { name: 'Add a channel' }).click()
    await page.getByLabel('Name', { exact: true }).fill('Pager')
    await page.getByLabel('Address').fill('ftp://pager.example')
    await page.keyboard.press('Enter')
    await page.locator('dialog .fault-text').waitFor()
    await page.getByLabel('Address').fill(receiver.url)
    await page.getByLabel('Signature').selectOption('new')
    await page.getByLabel('Secret', { exact: true }).fill('a secret of sixteen')
    await page.getByLabel('Told again while it fires').selectOption('every 4 hours')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    const channel = page.locator('[data-channel=Pager]')
    await channel.getByText('signed').waitFor()
    await channel.getByText('again every 4 h').waitFor()
    await channel.getByRole('button', { name: 'Edit Pager' }).click()
    expect(await page.getByLabel('Told again while it fires').inputValue()).toBe('14400')
    await page.getByLabel('Told again while it fires').selectOption('never')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await channel.getByText('again every 4 h').waitFor({ state: 'detached' })
    await channel.getByRole('button', { name: 'Send a test' }).click()
    await channel.getByText(/^Delivered in/).waitFor()
    await channel.getByText('Thank you for that').waitFor()
    const [letter] = receiver.letters
    expect(JSON.parse(letter?.body ?? '')).toMatchObject({ test: true, alerts: [{ state: 'firing' }] })
    expect(Object.keys(letter?.headers ?? {}).join()).toMatch(/signature/)
    receiver.close()
    await channel.getByRole('button', { name: 'Send a test' }).click()
    await channel.getByText(/^Not delivered/).waitFor()
    await channel.getByRole('button', { name: 'Delete Pager' }).click()
    await page.locator('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByText('Nobody is told yet').waitFor()
  })

  it('are only looked at by a viewer, who has no button for more, and found by the keyboard', async () => {
    const page = await openAs('viewer', '/queues')
    await page.keyboard.press('Control+k')
    await page.getByPlaceholder(/^A task, a queue/).fill('rules of alerts')
    await page.getByRole('option', { name: 'Rules of alerts' }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('row', { name: /Lost worker/ }).waitFor()
    expect(await page.getByRole('tab').allTextContents()).toEqual(['Firing', 'History', 'Rules'])
    expect(await page.locator('main').getByRole('button').count()).toBe(0)
    expect(await page.getByRole('switch').count()).toBe(0)
    await page.keyboard.press('Escape')
    await page.keyboard.press('g')
    await page.keyboard.press('l')
    await page.getByRole('tab', { name: 'Firing', selected: true }).waitFor()
  })

  it('have no serious fault of accessibility, dark or light, and fit a phone', async () => {
    const faults: string[] = []
    for (const colorScheme of ['dark', 'light'] as const) {
      const viewport = colorScheme === 'dark' ? { width: 1_440, height: 900 } : { width: 390, height: 844 }
      const page = await openAs('admin', '/alerts', { colorScheme, viewport, reducedMotion: 'reduce' })
      await addAxe(page)
      const look = async (what: string) => {
        faults.push(...(await seriousFaults(page)).map(fault => `${what} ${colorScheme}: ${fault}`))
        const isWide = await page.evaluate(
          'document.querySelector("main").scrollWidth > document.querySelector("main").clientWidth',
        )
        if (isWide === true) faults.push(`${what} is wider than its window of ${viewport.width}`)
      }
      for (const tab of ['firing', 'history', 'channels', 'rules']) {
        await goTo(page, `/alerts?tab=${tab}`)
        await page.getByRole('tab', { name: new RegExp(tab, 'i'), selected: true }).waitFor()
        await look(tab)
      }
      await page.getByRole('button', { name: 'Add a rule' }).click()
      await look('rule')
    }
    expect(faults).toEqual([])
  })
})
