import type { Page } from 'playwright-core'

/** Fills the login that is shown and sends it. */
export async function logIn(page: Page, name: string, password: string): Promise<void> {
  await page.getByLabel('User name').fill(name)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
}

export type CallAs = (method: string, path: string, body?: object) => Promise<Response>

/** Calls in the name of a user, for what is not the matter of a test. */
export async function callerOf(url: string, username: string, password: string): Promise<CallAs> {
  const form = new URLSearchParams({ username, password })
  const reply = await fetch(`${url}/token`, { method: 'POST', body: form })
  if (reply.status !== 200) throw new Error(`The login of ${username} was refused: ${await reply.text()}`)
  const { access_token: token } = Object(await reply.json())
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return (method, path, body) =>
    fetch(url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
}
