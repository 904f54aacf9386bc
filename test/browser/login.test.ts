import { beforeAll, expect, it } from 'vitest'
import { callerOf, logIn } from './support/people.ts'
import { describeInBrowser, setScene } from './support/scene.ts'

const password = 'a long enough password'

describeInBrowser('the pages where a login is asked for', () => {
  const scene = setScene({ TASKLANE_AUTH: 'required', TASKLANE_ADMIN_PASSWORD: password })

  beforeAll(async () => {
    const admin = await callerOf(scene.url, 'admin', password)
    for (const role of ['viewer', 'operator']) {
      const made = await admin('POST', '/api/users', { name: role, password, role })
      expect(made.status).toBe(201)
    }
    const task = { task_type: 'report', task_id: 'seen-by-all', name: 'Seen by all' }
    expect((await admin('POST', '/api/tasks', task)).status).toBe(201)
  })

  it('ask for it, tell a wrong password, and then show the page that was asked for', async () => {
    const page = await scene.open('/tasks/seen-by-all')
    await logIn(page, 'admin', 'wrong')
    await page.getByRole('alert').getByText('is wrong').waitFor()
    await logIn(page, 'admin', password)
    await page.getByRole('heading', { name: 'Seen by all' }).waitFor()
    expect(page.url()).toBe(`${scene.url}/ui/#/tasks/seen-by-all`)
    await page.reload()
    await page.getByRole('heading', { name: 'Seen by all' }).waitFor()
    // What opens the door is out of reach of scripts.
    expect(
      await page.evaluate('document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)'),
    ).toMatch(/^[^.]*$/)
  })

  it('let an operator act, and log out', async () => {
    const page = await scene.open('/tasks/seen-by-all')
    await logIn(page, 'operator', password)
    await page.getByRole('button', { name: 'Cancel', exact: true }).waitFor()
    await page.getByRole('button', { name: 'Menu of operator' }).click()
    await page.getByRole('menuitem', { name: 'Log out' }).click()
    await page.getByRole('heading', { name: 'Log in to Tasklane' }).waitFor()
  })

  it('let an admin make a user and a token that is shown once', async () => {
    const page = await scene.open('/admin')
    await logIn(page, 'admin', password)
    await page.getByRole('button', { name: 'Add a user' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill('grace')
    await page
      .getByRole('dialog')
      .getByLabel(/Password/)
      .fill(password)
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('row', { name: /grace/ }).waitFor()
    await page.getByRole('tab', { name: 'Tokens' }).click()
    await page.getByRole('button', { name: 'Make a token' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill('builder')
    await page.getByRole('button', { name: 'Make', exact: true }).click()
    await page.getByText(/^tl_/).waitFor()
    await page.getByRole('button', { name: 'I have it' }).click()
    await page.getByRole('row', { name: /builder/ }).waitFor()
    expect(await page.getByText(/^tl_/).count()).toBe(0)
    await page.getByRole('tab', { name: 'Audit log' }).click()
    await page.getByRole('row', { name: /grace/ }).first().waitFor()
  })

  it('keep what they have when the scheduler is gone, and say how old it is', async () => {
    const page = await scene.open('/tasks/seen-by-all')
    await logIn(page, 'viewer', password)
    await page.getByRole('heading', { name: 'Seen by all' }).waitFor()
    scene.running.kill('SIGKILL')
    await page
      .getByText(/cannot be reached; this is as of/)
      .first()
      .waitFor({ timeout: 30_000 })
    expect(await page.getByRole('heading', { name: 'Seen by all' }).count()).toBe(1)
  })
})
