import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { extensionOf, type Plan, planDemo } from '../src/demo/plan.ts'
import { walkFolder } from '../src/demo/walk.ts'

describe('the walk', () => {
  let root = ''
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'tasklane-walk-'))
    for (const folder of ['.git/objects', 'src/node_modules/pkg/src', 'src/deep', 'empty', '.github']) {
      await mkdir(join(root, folder), { recursive: true })
    }
    const files = ['.git/HEAD', '.git/objects/aa', 'src/node_modules/pkg/src/a.ts', 'src/a.ts', 'src/deep/b.md']
    for (const file of [...files, '.github/ci.yml', '.gitignore', 'node_modules.txt'])
      await writeFile(join(root, file), 'x')
    await symlink('src/a.ts', join(root, 'link.ts'))
    await symlink('..', join(root, 'src/circle'))
    await symlink('nowhere', join(root, 'src/node_modules/broken'))
  })
  afterAll(() => rm(root, { recursive: true }))

  it('leaves out what is below .git and node_modules at any depth, and follows no link', async () => {
    const { files } = await walkFolder(root)
    const expected = ['.github/ci.yml', '.gitignore', 'node_modules.txt', 'src/a.ts', 'src/deep/b.md']
    expect(files).toEqual(expected.map(file => join(root, file)))
  })

  it('counts every entry that is no folder once', async () => {
    const { files, leftOut, unreadable } = await walkFolder(root)
    const found = execFileSync('find', [root, '!', '-type', 'd'], { encoding: 'utf8' }).trim().split('\n')
    expect(files.length + leftOut).toBe(found.length)
    expect(leftOut).toBe(6)
    expect(unreadable).toEqual([])
  })

  it('reports a folder that cannot be read, and goes on', async () => {
    const { files, unreadable } = await walkFolder(join(root, 'gone'))
    expect(files).toEqual([])
    expect(unreadable.map(each => each.path)).toEqual([join(root, 'gone')])
  })

  it('ends when it is told to', async () => {
    await expect(walkFolder(root, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  })
})

describe('the plan', () => {
  const paths = (count: number, extension: string) => Array.from({ length: count }, (_, at) => `/f/${at}${extension}`)
  const parentsOf = (plan: Plan, id: string) => plan.tasks.find(task => task.task_id === id)?.dependencies ?? []

  it('has three levels: files, extensions, everything', () => {
    const plan = planDemo(['/f/a.ts', '/f/b.md', '/f/c.ts', '/f/Makefile'])
    expect(plan.levels).toBe(3)
    expect(plan.tasks).toHaveLength(4 + 3 + 1)
    expect([...plan.extensions.keys()]).toEqual(['(none)', '.md', '.ts'])
    expect(parentsOf(plan, plan.extensions.get('.ts') ?? '')).toEqual(['count-00001', 'count-00003'])
    expect(parentsOf(plan, plan.root)).toEqual([...plan.extensions.values()])
  })

  it('names a file from the folder that was asked for', () => {
    const nameIn = (folder?: string) => planDemo(['/f/g/a.ts'], folder === undefined ? {} : { folder }).tasks[0]?.name
    expect([nameIn('/f'), nameIn()]).toEqual(['g/a.ts', '/f/g/a.ts'])
  })

  it('names every parent before its child, and each task once', () => {
    const plan = planDemo([...paths(40, '.ts'), ...paths(3, '.md')], { fanInMax: 4 })
    const seen = new Set<string>()
    for (const task of plan.tasks) {
      for (const parent of task.dependencies) expect(seen).toContain(parent)
      expect(seen).not.toContain(task.task_id)
      expect(task.task_id).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/)
      seen.add(task.task_id)
    }
  })

  it('puts a level in between above 5,000 parents, in even shares', () => {
    expect(planDemo(paths(5_000, '.ts')).levels).toBe(3)
    const plan = planDemo(paths(5_001, '.ts'))
    expect(plan.levels).toBe(4)
    const parts = parentsOf(plan, plan.extensions.get('.ts') ?? '')
    expect(parts.map(part => parentsOf(plan, part).length)).toEqual([2_500, 2_501])
  })

  it('puts levels in between above many extensions too', () => {
    const plan = planDemo(Array.from({ length: 5_001 }, (_, at) => `/f/a.${at}`))
    expect(plan.levels).toBe(4)
    expect(parentsOf(plan, plan.root)).toHaveLength(2)
  })

  it.each([1, 7, 100])('leads from %i files each to the root exactly once, with at most three parents', count => {
    const plan = planDemo(paths(count, '.ts'), { fanInMax: 3 })
    const leaves: string[] = []
    const visit = (id: string): void => {
      const parents = parentsOf(plan, id)
      expect(parents.length).toBeLessThanOrEqual(3)
      if (parents.length === 0) leaves.push(id)
      for (const parent of parents) visit(parent)
    }
    visit(plan.root)
    expect(leaves.sort()).toEqual([...plan.files.keys()].sort())
  })

  it('is one merge of nothing for an empty folder', () => {
    const plan = planDemo([])
    expect(plan.tasks.map(task => [task.task_id, task.dependencies])).toEqual([['merge-all', []]])
  })

  it('keeps the end of a long path as the name', () => {
    const [task] = planDemo([`/${'a'.repeat(300)}/end.ts`]).tasks
    expect(task?.name).toHaveLength(256)
    expect(task?.name).toMatch(/^….*\/end\.ts$/)
  })

  it('takes the extension as the file name says it', () => {
    const found = ['a.ts', 'a.d.ts', '.gitignore', 'Makefile', 'A.MD', 'a.'].map(extensionOf)
    expect(found).toEqual(['.ts', '.ts', '(none)', '(none)', '.MD', '.'])
  })
})
