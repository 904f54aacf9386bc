import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadTaskModule } from '../src/task-module.ts'

/** What defineTask returns, written out: a module in a temporary folder has no SDK to import. */
const made = (type: string) => `{ type: '${type}', input: null, run: () => 1, defaults: {} }`

describe('a task module', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tasklane-module-'))
    await mkdir(join(folder, 'esm'))
    await writeFile(join(folder, 'esm/package.json'), '{"type":"module"}')
  })
  afterAll(() => rm(folder, { recursive: true }))

  async function load(name: string, source: string) {
    await writeFile(join(folder, name), source)
    return (await loadTaskModule(name, folder)).map(task => task.type).sort()
  }

  const source = `export const one = ${made('one')}
export default [${made('two')}, ${made('three')}]
export const other = 5, nothing = null, text = ['x']`

  it.each(['a.mjs', 'esm/a.js', 'esm/a.ts', 'a.mts', 'typeless.ts'])(
    'in %s gives every task it exports: named, default, in an array',
    async name => {
      const typed = name.endsWith('ts') ? `enum Kind { A }\nexport const kind: Kind = Kind.A\n${source}` : source
      expect(await load(name, typed)).toEqual(['one', 'three', 'two'])
    },
  )

  it('gives a task once that is exported twice', async () => {
    expect(await load('twice.mjs', `export const a = ${made('a')}\nexport default a`)).toEqual(['a'])
  })

  it.each([
    ['empty.mjs', '', 'exports nothing. Export what defineTask makes'],
    ['none.mjs', 'export const a = 1, b = 2', 'exports a, b, none of them a task'],
    ['broken.mjs', 'throw new Error("oh no")', 'broken.mjs cannot be loaded. Error: oh no'],
    ['double.mjs', `export const a = ${made('x')}, b = ${made('x')}`, "defines the type 'x' twice"],
  ])('is refused where it is %s', async (name, content, sentence) => {
    await expect(load(name, content)).rejects.toThrow(sentence)
  })

  it('is refused where there is no file, or one of another kind', async () => {
    await expect(loadTaskModule('gone.ts', folder)).rejects.toThrow(`There is no file ${join(folder, 'gone.ts')}`)
    await expect(loadTaskModule('tasks.py', folder)).rejects.toThrow("it ends in '.py'")
  })
})
