import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { findOrInstall, type Need, programOnPath } from '../../support/servers/find-or-install.ts'

const need: Need<string> = {
  name: 'Chromium',
  packages: ['chromium'],
  find: () => programOnPath('chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'),
}

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Null where there is no browser, which was said; with REQUIRE_ALL=1 it throws. */
export async function findBrowser(): Promise<string | null> {
  return findOrInstall(need)
}

/** One Chromium for a file of tests; each test has profiles of its own in it. */
export interface Sight {
  open(base: string, path?: string, options?: BrowserContextOptions): Promise<Page>
  /** What pages complained of since the last look; empty in a good world. */
  complaints(): readonly string[]
  closeContexts(): Promise<void>
  close(): Promise<void>
}

export async function startBrowser(executablePath: string): Promise<Sight> {
  const browser: Browser = await chromium.launch({ executablePath, args: flags })
  let contexts: BrowserContext[] = []
  let complaints: string[] = []
  return {
    open: async (base, path = '/', options = {}) => {
      const context = await browser.newContext({ viewport: { width: 1_280, height: 850 }, ...options })
      contexts.push(context)
      const page = await context.newPage()
      page.setDefaultTimeout(20_000)
      page.on('pageerror', error => complaints.push(`${error.name}: ${error.message}`))
      page.on('console', message => {
        if (message.type() !== 'error' && message.type() !== 'warning') return
        const { url } = message.location()
        // The browser writes a line for each answer above 399; whether one is right is another question.
        if (message.text().startsWith('Failed to load resource') && url.includes('/api/')) return
        // Only a scheduler that the test itself stopped refuses connections.
        if (message.text().includes('net::ERR_CONNECTION_REFUSED')) return
        complaints.push(`${message.type()}: ${message.text()} (${url})`)
      })
      await page.goto(`${base}/ui/#${path}`)
      return page
    },
    complaints: () => {
      const said = complaints
      complaints = []
      return said
    },
    closeContexts: async () => {
      await Promise.all(contexts.map(context => context.close()))
      contexts = []
    },
    close: () => browser.close(),
  }
}
