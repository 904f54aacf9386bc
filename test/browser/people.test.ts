import type { Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { until } from '../support/processes.ts'
import { addAxe, seriousFaults } from './support/axe.ts'
import { goTo } from './support/go-to.ts'
import { type CallAs, callerOf, logIn } from './support/people.ts'
import { describeInBrowser, setScene } from './support/scene.ts'

const password = 'a long enough password'

describeInBrowser('people at the pages', () => {
  const scene = setScene({
    TASKLANE_AUTH: 'required',
    TASKLANE_ADMIN_PASSWORD: password,
    TASKLANE_ENVIRONMENT: 'Staging <i>',
  })
  let admin: CallAs

  beforeAll(async () => {
    admin = await callerOf(scene.url, 'admin', password)
    await makeWorld()
  })

  /** Something on every page: a worker that runs a task, a failed one, a paused queue, a graph. */
  async function makeWorld(): Promise<void> {
    for (const role of ['viewer', 'operator', 'submitter']) await made('/api/users', { name: role, password, role })
    await made('/api/tasks', { task_type: 'flaky', task_id: 'broken', max_retries: 0 })
    await made('/api/tasks', { task_type: 'long', task_id: 'runs' })
    await made('/api/tasks', { task_type: 'report', task_id: 'waits', name: 'Seen by all' })
    await made('/api/tasks', { task_type: 'report', task_id: 'child', dependencies: ['waits'] })
    await admin('PATCH', '/api/queues/slow', { paused: true })
    await admin('POST', '/api/workers/register', { worker_id: 'w1', capabilities: ['flaky', 'long'] })
    const claim = await admin('POST', '/api/workers/w1/claim', { limit: 2 })
    const { tasks } = Object(await claim.json())
    const broken = tasks.find((task: { task_id: string }) => task.task_id === 'broken')
    const error = { code: 'broken', message: 'It broke.' }
    const settled = await admin('POST', '/api/workers/w1/settle', {
      results: [{ task_id: 'broken', epoch: broken.epoch, outcome: 'failed', error }],
    })
    expect(await settled.text()).toContain('applied')
  }

  async function made(path: string, body: object): Promise<void> {
    const reply = await admin('POST', path, body)
    expect(reply.status, await reply.text()).toBe(201)
  }

  async function openAs(name: string, path: string): Promise<Page> {
    const page = await scene.open(path)
    await logIn(page, name, password)
    await page.locator('main.main h1').waitFor()
    return page
  }

  /** Whichever comes first, what the page asks by itself or this press, meets the end of the session. */
  async function endSession(page: Page): Promise<void> {
    // The type counts when its field is left.
    await page.keyboard.press('Tab')
    await page.context().clearCookies()
    await page.getByRole('button', { name: 'Submit and watch' }).dispatchEvent('click')
    await page.getByRole('heading', { name: 'Your session has ended' }).waitFor()
  }

  const focused = (page: Page) => page.evaluate('document.activeElement?.getAttribute("aria-label")')

  it('change their own password, which ends their other sessions and not this one', async () => {
    await made('/api/users', { name: 'ada', password, role: 'operator' })
    const [page, elsewhere] = await Promise.all([openAs('ada', '/queues'), openAs('ada', '/queues')])
    await page.getByRole('button', { name: 'Menu of ada' }).click()
    await page.getByRole('menuitem', { name: 'Change the password' }).click()
    const dialog = page.getByRole('dialog')
    const fill = async (current: string, next: string, again: string) => {
      await dialog.getByLabel('Current password').fill(current)
      await dialog.getByLabel('New password', { exact: true }).fill(next)
      await dialog.getByLabel('New password again').fill(again)
      await page.keyboard.press('Enter')
    }
    await fill('not the one', 'another password', 'another passwort')
    await dialog.getByText('The two new passwords differ.').waitFor()
    await fill('not the one', 'short', 'short')
    await dialog.getByText('it takes at least 8').waitFor()
    await fill('not the one', 'another password', 'another password')
    await dialog.getByText('This is not your current password.').waitFor()
    expect(await dialog.getByLabel('Current password').getAttribute('aria-invalid')).toBe('true')
    await fill(password, 'another password', 'another password')
    await page.getByText('your other sessions have ended').waitFor()
    expect(await focused(page)).toBe('Menu of ada')
    await goTo(page, '/tasks')
    await page.reload()
    await page.getByRole('heading', { name: 'Tasks', exact: true }).waitFor()
    await elsewhere.reload()
    await logIn(elsewhere, 'ada', 'another password')
    await elsewhere.getByRole('heading', { name: 'Queues', exact: true }).waitFor()
  })

  it('lose nothing that they typed when their session ends, and come back to where they were', async () => {
    const page = await openAs('operator', '/tasks?status=pending')
    await page.keyboard.press('n')
    await page.getByLabel('Type', { exact: true }).fill('half-written')
    await endSession(page)
    // It lies above everything and is not to be closed.
    await page.keyboard.press('Escape')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+k')
    expect(await page.getByRole('heading', { name: 'Your session has ended' }).isVisible()).toBe(true)
    expect(await page.locator('dialog.palette').count()).toBe(0)
    const again = page.getByRole('dialog', { name: 'Log in again' })
    await again.getByLabel('Password', { exact: true }).fill('wrong')
    await page.keyboard.press('Enter')
    await again.getByText('is wrong').waitFor()
    await again.getByLabel('Password', { exact: true }).fill(password)
    await page.keyboard.press('Enter')
    await until(
      () => page.locator('dialog.login-again').count(),
      count => count === 0,
      () => 'the login to go',
    )
    expect(page.url()).toBe(`${scene.url}/ui/#/tasks?status=pending`)
    expect(await page.getByLabel('Type', { exact: true }).inputValue()).toBe('half-written')
    await page.getByRole('button', { name: 'Submit and watch' }).click()
    await page.getByRole('heading', { name: 'half-written' }).waitFor()
  })

  it('begin anew at the same address when somebody else logs in after them', async () => {
    const page = await openAs('operator', '/queues')
    await page.keyboard.press('n')
    await page.getByLabel('Type', { exact: true }).fill('secret-of-operator')
    await endSession(page)
    await logIn(page, 'viewer', password)
    await page.getByRole('button', { name: 'Menu of viewer' }).waitFor()
    await page.getByRole('heading', { name: 'Queues', exact: true }).waitFor()
    expect(await page.locator('dialog').count()).toBe(0)
  })

  it('see no button that changes anything, on any page, where they only read', async () => {
    const page = await openAs('viewer', '/tasks/waits')
    const verbs =
      /^(Submit|Or submit|Cancel|Retry|Run|Re-?run|Delete|Remove|Pause|Resume|Drain|Deregister|Add|Make|Revoke|Disable|Set|Change|Raise|Complete|Say)/
    const paths = [
      '/',
      '/tasks',
      '/tasks?status=failed',
      '/tasks/waits',
      '/tasks/runs',
      '/tasks/broken',
      '/tasks/child/graph',
      '/queues',
      '/workers',
      '/failures',
    ]
    for (const path of paths) {
      await goTo(page, path)
      const shown = await page.locator('main').getByRole('button', { name: verbs }).allTextContents()
      expect(shown, path).toEqual([])
      expect(await page.locator('main tr').getByRole('checkbox').count(), path).toBe(0)
    }
    expect(await page.locator('header').getByRole('button', { name: 'Submit' }).count()).toBe(0)
    await page.keyboard.press('n')
    expect(await page.locator('dialog').count()).toBe(0)
    expect(await page.getByRole('link', { name: 'Admin' }).count()).toBe(0)
    await goTo(page, '/admin?tab=tokens')
    await page.getByText('are for the role admin; yours is viewer').waitFor()
  })

  it('find what was cancelled, by whom and when, in the audit log, and send others there', async () => {
    await made('/api/tasks', { task_type: 'report', task_id: 'stopped', name: 'To be stopped' })
    const page = await openAs('operator', '/tasks/stopped')
    await page.getByRole('button', { name: 'Cancel', exact: true }).click()
    await page.getByRole('button', { name: 'Cancel the task' }).click()
    await page.locator('.task-title [data-state=cancelled]').waitFor()

    const other = await openAs('admin', '/admin?tab=audit')
    await other.getByLabel('Who', { exact: true }).fill('operator')
    await other.keyboard.press('Enter')
    await other.getByLabel('What', { exact: true }).selectOption('task.cancel')
    await other.getByLabel('When').selectOption('1h')
    const row = other.getByRole('row', { name: /operator task\.cancel stopped .*From the dashboard/ })
    await row.waitFor()
    expect(await other.locator('tbody tr').count()).toBe(1)
    await until(
      () => other.url(),
      at => at.includes('actor=operator') && at.includes('action=task.cancel') && at.includes('last=1h'),
      () => 'the filters to stand in the address',
    )
    await other.reload()
    await row.waitFor()
    await other.getByLabel('Of what').fill('nothing of the kind')
    await other.keyboard.press('Enter')
    await other.getByText('Nothing matches these filters').waitFor()
    await other.getByRole('button', { name: 'Clear the filters' }).click()
    await other.getByRole('row', { name: /login/ }).first().waitFor()
    await other.goBack()
    await row.waitFor({ state: 'detached' })
    await goTo(other, '/admin?tab=audit&subject=stopped')
    await row.getByRole('link', { name: 'stopped' }).click()
    await other.getByRole('heading', { name: 'To be stopped' }).waitFor()
  })

  it('are told at its field what is wrong, until they edit it', async () => {
    const page = await openAs('admin', '/admin')
    await page.getByRole('button', { name: 'Add a user' }).click()
    const form = page.getByRole('dialog')
    const faults = form.locator('[aria-invalid=true]')
    await form.getByLabel('Name').fill('admin')
    await form.getByLabel('Password', { exact: true }).fill('short')
    await page.keyboard.press('Enter')
    await form.getByText(/takes at least 8/).waitFor()
    // The focus is there: it is typed into without a click.
    await page.keyboard.type('er, and now long enough')
    expect(await faults.count()).toBe(0)
    await page.keyboard.press('Enter')
    await form.getByText("A user named 'admin' exists.").waitFor()
    await page.keyboard.press('Control+a')
    await page.keyboard.type('grace')
    expect(await faults.count()).toBe(0)
    expect(await form.getByText("A user named 'admin' exists.").count()).toBe(0)
    await page.keyboard.press('Enter')
    await page.getByRole('row', { name: /grace viewer/ }).waitFor()
  })

  it('are given roles and passwords, disabled and enabled by an admin', async () => {
    await made('/api/users', { name: 'linus', password, role: 'viewer' })
    const page = await openAs('admin', '/admin')
    const act = async (item: string) => {
      await page.getByRole('button', { name: 'Actions for linus' }).click()
      await page.getByRole('menuitem', { name: item }).click()
    }
    await act('Change the role')
    await page.getByRole('dialog').getByLabel('Role').selectOption('operator')
    await page.getByRole('button', { name: 'Change the role' }).click()
    await page.getByRole('row', { name: /linus operator/ }).waitFor()
    expect(await focused(page)).toBe('Actions for linus')

    await act('Set a new password')
    await page.getByRole('button', { name: 'Generate one' }).click()
    const generated = await page.locator('dialog .snippet pre').textContent()
    expect(generated).toMatch(/^[A-Za-z2-9]{20}$/)
    await page.getByRole('button', { name: 'Set the password' }).click()
    await page.getByText('linus has a new password.').waitFor()
    await callerOf(scene.url, 'linus', generated ?? '')

    await act('Disable')
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click()
    await page.getByLabel('Show 1 disabled user').check()
    await page.getByRole('row', { name: /linus operator Disabled/ }).waitFor()
    await expect(callerOf(scene.url, 'linus', generated ?? '')).rejects.toThrow('refused')
    await act('Enable')
    await page.getByRole('row', { name: /linus operator May log in/ }).waitFor()

    await page.getByRole('button', { name: 'Actions for admin' }).click()
    await page.getByRole('menuitem', { name: 'Disable' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click()
    await page.getByRole('alert').getByText('last enabled admin').waitFor()
    await page.keyboard.press('Escape')

    await page.getByRole('tab', { name: 'About' }).click()
    await page.getByText('Tasklane 0').waitFor()
    await page.getByText('SQLite').waitFor()
    await page.getByText('this one alone').waitFor()
    expect(await page.getByRole('link', { name: 'All calls' }).getAttribute('href')).toBe(`${scene.url}/docs`)
  })

  it('are told why a login failed: wrong, too often, or nobody there', async () => {
    const page = await scene.open('/queues')
    const field = page.getByLabel('Password', { exact: true })
    await field.dispatchEvent('keydown', { key: 'A', modifierCapsLock: true })
    await page.getByText('Caps Lock is on.').waitFor()
    await page.context().setOffline(true)
    await logIn(page, 'submitter', 'wrong')
    await page.getByRole('alert').getByText('cannot be reached').waitFor()
    await page.context().setOffline(false)
    await page.getByText('The scheduler answers again.').waitFor()
    expect(await field.inputValue()).toBe('wrong')
    for (let tries = 0; tries < 20; tries += 1) {
      await page.getByRole('button', { name: 'Log in', exact: true }).click()
      const said = page.getByRole('alert').getByText(/is wrong|Too many logins/)
      await said.waitFor()
      if ((await said.textContent())?.includes('Too many') === true) break
      await field.fill('wrong')
    }
    await page.getByRole('button', { name: /^Wait \d+ s$/ }).waitFor()
    await page.getByText('You can try again now.').waitFor()
    await field.fill(password)
    await page.getByRole('button', { name: 'Show the password' }).click()
    expect(await field.getAttribute('type')).toBe('text')
    await page.getByRole('button', { name: 'Log in', exact: true }).click()
    // A submitter may not look at queues, and is told so in words of its own.
    await page.getByText('Not allowed').first().waitFor()
  })

  it('keep their theme, their times and their keys, and see where they are', async () => {
    const page = await openAs('operator', '/tasks/waits')
    const theme = () => page.evaluate('document.documentElement.dataset.theme')
    const menu = page.getByRole('button', { name: 'Menu of operator' })
    await until(
      () => page.title(),
      title => title === 'waits · Tasks · Tasklane (Staging <i>)',
      () => 'the title of the page',
    )
    await page.locator('header').getByText('Staging <i>').waitFor()
    const before = await theme()
    const other = before === 'dark' ? 'light' : 'dark'
    await menu.click()
    await page.getByRole('menuitemradio', { name: other }).click()
    await page.getByRole('menuitemradio', { name: 'UTC' }).click()
    await page.locator('main time').getByText(/UTC$/).first().waitFor()
    await page.getByRole('menuitemcheckbox', { name: /Single-key/ }).click()
    await page.reload()
    await page.locator('main time').getByText(/UTC$/).first().waitFor()
    expect(await theme()).toBe(other)
    await page.keyboard.press('t')
    await page.keyboard.press('?')
    expect(await theme()).toBe(other)
    expect(await page.locator('dialog').count()).toBe(0)
    // The sheet says so, and turns them on again; the button of the menu has the focus after it.
    await menu.click()
    await page.getByRole('menuitem', { name: 'Shortcuts' }).click()
    await page.getByText('Single keys are turned off').waitFor()
    await page.getByRole('button', { name: 'Turn them on' }).click()
    await page.keyboard.press('Escape')
    await until(
      () => focused(page),
      label => label === 'Menu of operator',
      () => 'the focus to come back',
    )
    await page.keyboard.press('t')
    expect(await theme()).toBe(before)
    await menu.click()
    await page.getByRole('menuitemradio', { name: 'local' }).click()
    await page.keyboard.press('Escape')
    expect(await page.locator('main time').getByText(/UTC$/).count()).toBe(0)
  })

  it('meet no serious fault of accessibility at the login and where users are managed, dark or light', async () => {
    const faults: string[] = []
    for (const colorScheme of ['dark', 'light'] as const) {
      const page = await scene.open('/admin', { colorScheme, reducedMotion: 'reduce' })
      const look = async (what: string) => {
        faults.push(...(await seriousFaults(page)).map(fault => `${what} ${colorScheme}: ${fault}`))
      }
      await addAxe(page)
      await page.getByLabel('User name').waitFor()
      await look('login')
      await logIn(page, 'admin', password)
      for (const tab of ['tokens', 'audit&last=24h']) {
        await goTo(page, `/admin?tab=${tab}`)
        await look(tab)
      }
      await goTo(page, '/admin')
      await page.getByRole('button', { name: 'Add a user' }).click()
      await page.getByRole('button', { name: 'Generate one' }).click()
      await look('users')
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: 'Menu of admin' }).click()
      await page.getByRole('menuitem', { name: 'Change the password' }).click()
      await page.getByLabel('Current password').waitFor()
      await look('own password')
      await page.keyboard.press('Escape')
      await page.keyboard.press('n')
      await page.getByLabel('Type', { exact: true }).fill('of-no-worker')
      await endSession(page)
      await look('login again')
    }
    expect(faults).toEqual([])
  })

  it('skip to the content by the keyboard', async () => {
    const page = await openAs('viewer', '/queues')
    await page.evaluate('document.activeElement?.blur()')
    await page.keyboard.press('Tab')
    await page.getByRole('button', { name: 'Skip to the content' }).press('Enter')
    expect(await page.evaluate('document.activeElement?.id')).toBe('main')
    expect(page.url()).toContain('#/queues')
  })
})
