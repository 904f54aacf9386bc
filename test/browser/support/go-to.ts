import type { Page } from 'playwright-core'
import { until } from '../../support/processes.ts'

/** Goes to another page as a link would, and waits until that page is drawn, not the one before. */
export async function goTo(page: Page, path: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(path)}`)
  const [pathname] = path.split('?')
  await page.locator(`main[data-path=${JSON.stringify(pathname)}] h1`).waitFor()
  await until(
    () => page.locator('main .skeletons').count(),
    count => count === 0,
    () => `${path} to be drawn`,
  )
}
