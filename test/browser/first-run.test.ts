import { beforeAll, expect, it } from 'vitest'
import { logIn } from './support/people.ts'
import { describeInBrowser, setScene } from './support/scene.ts'

const own = 'a password of her own'

describeInBrowser('a node after its first start', () => {
  const scene = setScene({ TASKLANE_AUTH: 'required' })
  let printed: string

  beforeAll(() => {
    printed = String(JSON.parse(scene.running.stdout().split('\n')[0] ?? '').first_admin.password)
  })

  it('is set up in the page by whoever has the printed password, and by nobody else', async () => {
    const [page, stranger] = await Promise.all([scene.open('/tasks'), scene.open('/admin')])
    await page.getByText('Nobody is set up yet').waitFor()
    await page.getByText('Where to find it').click()
    await page.getByText('docker compose logs').waitFor()
    expect(await page.getByLabel('User name').inputValue()).toBe('admin')
    await logIn(page, 'admin', printed)

    // Before any page, the name and the password of one's own; it can be put off until the next login.
    await page.getByRole('heading', { name: 'Make it yours' }).waitFor()
    expect(await page.getByRole('navigation').count()).toBe(0)
    await page.getByRole('button', { name: /Not now/ }).click()
    await page.getByRole('heading', { name: 'Tasks', exact: true }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Tasks', exact: true }).waitFor()
    await page.getByRole('button', { name: 'Menu of admin' }).click()
    await page.getByRole('menuitem', { name: 'Log out' }).click()
    await logIn(page, 'admin', printed)
    await page.getByRole('heading', { name: 'Make it yours' }).waitFor()

    await page.getByLabel('Your user name').fill('grace')
    await page.getByLabel('Your password', { exact: true }).fill('short')
    await page.getByLabel('Your password again').fill(own)
    await page.getByRole('button', { name: 'Set up' }).click()
    await page.getByText('The two passwords differ.').waitFor()
    await page.getByLabel('Your password again').fill('short')
    await page.getByRole('button', { name: 'Set up' }).click()
    await page.getByText('it takes at least 8').waitFor()
    await page.getByLabel('Your password', { exact: true }).fill(own)
    await page.getByLabel('Your password again').fill(own)
    await page.getByRole('button', { name: 'Set up' }).click()
    await page.getByText('Welcome, grace').waitFor()
    await page.getByRole('heading', { name: 'Tasks', exact: true }).waitFor()
    await page.getByRole('button', { name: 'Menu of grace' }).waitFor()

    // What was printed opens nothing any more, and the page no longer says that nobody is set up.
    await logIn(stranger, 'admin', printed)
    await stranger.getByRole('alert').getByText('is wrong').waitFor()
    await stranger.reload()
    await stranger.getByLabel('User name').waitFor()
    expect(await stranger.getByText('Nobody is set up yet').count()).toBe(0)
    await logIn(stranger, 'grace', own)
    await stranger.getByRole('row', { name: /grace/ }).getByText('you').waitFor()
    await stranger.getByLabel('Show 1 disabled user').check()
    await stranger.getByRole('row', { name: /admin admin Disabled/ }).waitFor()
  })
})
