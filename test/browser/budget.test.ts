import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { root } from '../support/processes.ts'

const pages = join(root, 'packages/server/dashboard')
const kB = 1_000

describe('the first load of the pages', () => {
  beforeAll(() => {
    execFileSync(process.execPath, [join(root, 'scripts/build-pages.mjs')])
  })

  it('is at most 150 kB of JavaScript, gzipped', () => {
    const scripts = firstScripts()
    expect(scripts.length).toBeGreaterThan(1)
    const sizes = scripts.map(script => gzipSync(readFileSync(join(pages, script)), { level: 6 }).length)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(150 * kB)
  })

  it('leaves graphs and charts to the pages that show them', () => {
    const first = firstScripts().map(script => readFileSync(join(pages, script), 'utf8'))
    for (const mark of ['react-flow__', 'u-over']) {
      const files = readdirSync(join(pages, 'assets')).filter(file => file.endsWith('.js'))
      expect(files.some(file => readFileSync(join(pages, 'assets', file), 'utf8').includes(mark))).toBe(true)
      expect(first.some(text => text.includes(mark))).toBe(false)
    }
  })

  it('has no inline script, and names all its files by relative paths', () => {
    const html = readFileSync(join(pages, 'index.html'), 'utf8')
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)/)
    expect(html).not.toMatch(/\b(?:src|href)="(?!\.\/)/)
    expect(html).not.toMatch(/\son\w+=/)
  })
})

/** What a browser fetches before anything is shown. */
function firstScripts(): string[] {
  const html = readFileSync(join(pages, 'index.html'), 'utf8')
  return [...html.matchAll(/(?:src|href)="\.\/([^"]+\.js)"/g)].map(match => match[1] ?? '')
}
