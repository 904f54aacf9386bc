// Pictures of every page, at the width of a desk and of a phone, in docs/images/: `npm run build`, then this. It needs a
// Chromium. A scheduler and workers of its own live through a seeded story meanwhile, and are stopped at the end.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chromium } from 'playwright-core'
import { chance, graphTasks, usualTasks, workers } from './screenshots/story.mjs'

const root = resolve(import.meta.dirname, '..')
const images = join(root, 'docs/images')
const command = join(root, 'packages/cli/bin/tasklane.js')
const folder = mkdtempSync(join(tmpdir(), 'tasklane-pictures-'))
const started = []

const widths = [
  ['', 1440, 900],
  ['-phone', 390, 844],
]
const pages = [
  ['overview', '/'],
  ['tasks', '/tasks'],
  ['task', '/tasks/month-merge-coast'],
  ['graph', '/tasks/month-open/graph'],
  ['queues', '/queues'],
  ['queue', '/queues/reports'],
  ['workers', '/workers'],
  ['worker', '/workers/render-1'],
  ['failures', '/failures'],
  ['alerts', '/alerts'],
  ['alert-rules', '/alerts?tab=rules'],
  ['admin', '/admin'],
]

try {
  const url = await startScheduler()
  for (const [name, flags] of workers) start(['worker', story(), '--url', url, '--worker-id', name, ...flags])
  await until(async () => (await get(url, '/api/workers')).workers.length === workers.length)
  await live(url)
  await picture(url)
} finally {
  // Nothing of it is kept, so that nobody has to be asked politely.
  await Promise.all(started.map(stop))
  rmSync(folder, { recursive: true, force: true })
}

function stop(child) {
  child.kill('SIGKILL')
  return new Promise(done => (child.exitCode === null && child.signalCode === null ? child.on('exit', done) : done()))
}

function story() {
  return join(root, 'scripts/screenshots/story-tasks.mjs')
}

function start(args, stdout = 'ignore') {
  const child = spawn(process.execPath, [command, ...args], {
    cwd: root,
    env: { ...process.env, LOG_LEVEL: 'warn' },
    stdio: ['ignore', stdout, 'inherit'],
  })
  started.push(child)
  return child
}

async function startScheduler() {
  const child = start(['serve', '--port', '0', '--data', join(folder, 'a.db'), '--json'], 'pipe')
  for await (const line of child.stdout) return JSON.parse(String(line).split('\n')[0]).url
  throw new Error('The scheduler ended before it listened.')
}

/** A minute or so of a busy shop, so that charts and lanes have something to tell. */
async function live(url) {
  const random = chance(7)
  const submit = tasks => post(url, '/api/tasks/batch', { tasks })
  for (let round = 0; round < 8; round += 1) {
    await submit(usualTasks(random, 14, 2))
    await new Promise(done => setTimeout(done, 4_000))
  }
  await submit(graphTasks(random, 'month'))
  await submit(usualTasks(random, 260, 16))
  await submit([
    { task_type: 'gpu.train', queue: 'models', name: 'Train the forecast', payload: { epochs: 40 } },
    { task_type: 'mail.send', queue: 'mail', name: 'Newsletter', delay: 86_400, payload: { customer: 'all' } },
  ])
  await until(async () => (await get(url, '/api/tasks/month-merge-coast')).status === 'running')
  await raiseAlerts(url)
  await send(url, 'PATCH', '/api/queues/billing', { paused: true, reason: 'Prices are being corrected' })
  await new Promise(done => setTimeout(done, 1_500))
}

/** What is watched for fires at once: nobody wants to wait ten minutes for a picture. One of them is looked after. */
async function raiseAlerts(url) {
  const rule = (id, change) => send(url, 'PATCH', `/api/alerts/rules/${id}`, { for: 0, ...change })
  await rule('type-unserved', {})
  await rule('failing', { threshold: 2 })
  await rule('queue-depth', { threshold: 30, queue: 'reports', severity: 'critical', enabled: true })
  const firing = async () => (await get(url, '/api/alerts?state=firing')).alerts
  await until(async () => new Set((await firing()).map(alert => alert.kind)).size === 3)
  const unserved = (await firing()).find(alert => alert.kind === 'type_unserved')
  const silence = { for: 14_400, reason: 'The machine with the cards is back at ten.' }
  await send(url, 'POST', `/api/alerts/${unserved.alert_id}/silence`, silence)
}

async function picture(url) {
  mkdirSync(images, { recursive: true })
  const found = ['chromium', 'chromium-browser', 'google-chrome-stable'].find(
    name => spawnSync(name, ['--version']).status === 0,
  )
  if (found === undefined) throw new Error('Pictures need a Chromium (Debian: apt-get install chromium).')
  const executablePath = String(spawnSync('which', [found]).stdout).trim()
  const browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu'] })
  for (const theme of ['dark', 'light']) {
    for (const [suffix, width, height] of widths) {
      const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme })
      const page = await context.newPage()
      await page.goto(`${url}/ui/`)
      for (const [name, path] of pages) {
        // One picture of each page in light is enough to show that there is one.
        if (theme === 'light' && name !== 'overview') continue
        await page.evaluate(to => {
          location.hash = to
        }, path)
        await show(page, `${name}${theme === 'light' ? '-light' : ''}${suffix}`)
      }
      if (theme === 'dark') await pictureDrawer(page, suffix)
      await context.close()
    }
  }
  await browser.close()
}

async function pictureDrawer(page, suffix) {
  await page.evaluate(() => {
    location.hash = '/tasks'
  })
  await page.locator('main h1').waitFor()
  await page.keyboard.press('n')
  await page.getByLabel('Type', { exact: true }).fill('invoice.render')
  await page.locator('#payload-customer').fill('Nordwind GmbH')
  await show(page, `submit${suffix}`)
}

async function show(page, name) {
  await page.locator('main h1').waitFor()
  await page.waitForFunction(() => document.querySelector('main .skeletons, main .graph-box.skeleton') === null)
  await page.evaluate(() => document.fonts.ready)
  await page.waitForTimeout(700)
  const isTooWide = await page.evaluate(() => {
    const main = document.querySelector('main')
    return main !== null && main.scrollWidth > main.clientWidth
  })
  if (isTooWide) console.error(`${name} is wider than its window.`)
  await page.screenshot({ path: join(images, `${name}.png`) })
  console.error(`docs/images/${name}.png`)
}

async function get(url, path) {
  return (await fetch(url + path)).json()
}

function post(url, path, body) {
  return send(url, 'POST', path, body)
}

async function send(url, method, path, body) {
  const reply = await fetch(url + path, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!reply.ok) throw new Error(`${path}: ${await reply.text()}`)
}

async function until(look) {
  const endsAt = performance.now() + 60_000
  while (!(await look())) {
    if (performance.now() > endsAt) throw new Error('Waited a minute in vain.')
    await new Promise(done => setTimeout(done, 200))
  }
}
