import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// What `npm publish` would send; `npm test` has built it.
const packages = ['protocol', 'sdk', 'server', 'cli'] as const
const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

describe('the packed command', () => {
  let folder = ''
  const contents = new Map<string, readonly string[]>()
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tasklane-packed-'))
    for (const name of packages) {
      const words = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
      const printed = execFileSync('npm', words, {
        cwd: at(name),
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      const [packed]: { filename: string }[] = JSON.parse(printed)
      const tarball = join(folder, packed?.filename ?? '')
      contents.set(name, execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n'))
    }
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('has its entry, what that loads, its README and its licence, and no sources', async () => {
    const files = contents.get('cli') ?? []
    for (const file of ['bin/tasklane.js', 'dist/main.js', 'dist/index.js', 'dist/index.d.ts', 'README.md', 'LICENSE'])
      expect(files).toContain(`package/${file}`)
    expect(files.filter(file => /^package\/(src|test)\/|\.tsbuildinfo$/.test(file))).toEqual([])
  })

  it.each(packages)('comes with a built @tasklane/%s', name => {
    expect(contents.get(name)).toContain('package/dist/index.js')
    expect(contents.get(name)).toContain('package/dist/index.d.ts')
  })

  it('has the licence of the whole project, and asks for packages of its own version', async () => {
    expect(await readFile(at('cli/LICENSE'), 'utf8')).toBe(await readFile(at('../LICENSE'), 'utf8'))
    const manifest: { version: string; dependencies: Record<string, string> } = JSON.parse(
      await readFile(at('cli/package.json'), 'utf8'),
    )
    for (const name of ['protocol', 'sdk', 'server'])
      expect(manifest.dependencies[`@tasklane/${name}`]).toBe(manifest.version)
  })
})
