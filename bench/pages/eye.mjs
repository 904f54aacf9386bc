// A real Chromium, and what a page in it feels like: frames, long tasks, bytes, memory.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-sync']

/** @returns a browser that opens watched pages; throws where there is none */
export async function openEye({ profile } = {}) {
  const executablePath = names.map(name => String(spawnSync('which', [name]).stdout).trim()).find(path => path !== '')
  if (executablePath === undefined) throw new Error('This bench needs a Chromium (Debian: apt-get install chromium).')
  const browser = await chromium.launch({ executablePath, args: flags })
  return {
    version: browser.version(),
    /** A page of 1440 × 900 that counts from its first line of script on. */
    open: async (url, path) => {
      const context = await browser.newContext({ viewport: { width: 1_440, height: 900 } })
      const page = await context.newPage()
      await page.addInitScript(watch)
      const devtools = await context.newCDPSession(page)
      let bytes = 0
      devtools.on('Network.dataReceived', event => {
        bytes += event.encodedDataLength > 0 ? event.encodedDataLength : event.dataLength
      })
      await devtools.send('Network.enable')
      await page.goto(`${url}/ui/#${path}`)
      return {
        page,
        bytes: () => bytes,
        memory: async () => {
          await devtools.send('HeapProfiler.collectGarbage')
          return (await devtools.send('Runtime.getHeapUsage')).usedSize
        },
        /** What was seen since the last call. */
        take: () => page.evaluate(() => globalThis.taken()),
        /** With `--profile DIR`, where the page's time went, for the DevTools. */
        profiled: async (name, work) => {
          if (profile === undefined) return work()
          await devtools.send('Profiler.enable')
          await devtools.send('Profiler.setSamplingInterval', { interval: 500 })
          await devtools.send('Profiler.start')
          const value = await work()
          const told = await devtools.send('Profiler.stop')
          mkdirSync(profile, { recursive: true })
          writeFileSync(join(profile, `${name.replaceAll(/\W+/g, '-')}.cpuprofile`), JSON.stringify(told.profile))
          return value
        },
        close: () => context.close(),
      }
    },
    close: () => browser.close(),
  }
}

/** Runs in the page, before anything of it. */
function watch() {
  let longTasks = []
  let frames = []
  new PerformanceObserver(list => {
    for (const { startTime, duration } of list.getEntries()) longTasks.push([startTime, duration])
  }).observe({ type: 'longtask', buffered: true })
  let before = 0
  const onFrame = now => {
    if (before !== 0) frames.push(now - before)
    before = now
    requestAnimationFrame(onFrame)
  }
  requestAnimationFrame(onFrame)
  // The first picture: nodes stand in the box, and a frame has been shown with them.
  const look = () => {
    const box = document.querySelector('.graph-box:not(.skeleton)')
    if (
      box?.querySelector('.react-flow__node, [data-drawn]') === undefined ||
      box?.querySelector('.react-flow__node, [data-drawn]') === null
    )
      return requestAnimationFrame(look)
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        globalThis.firstPictureMs = performance.now()
      }),
    )
  }
  requestAnimationFrame(look)
  globalThis.taken = () => {
    const told = { longTasks, frames, firstPictureMs: globalThis.firstPictureMs ?? null }
    longTasks = []
    frames = []
    return told
  }
}

/** Of frame times: how even it was. */
export function evenness(frames) {
  const sorted = [...frames].sort((one, other) => one - other)
  const at = share => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { frames: sorted.length, p50: at(0.5), p95: at(0.95), max: sorted.at(-1) ?? 0 }
}

export function longest(longTasks, sinceMs = 0) {
  return Math.max(0, ...longTasks.filter(([start]) => start >= sinceMs).map(([, duration]) => duration))
}
