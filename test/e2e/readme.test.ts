import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, createStage, root, type Stage, until } from '../support/processes.ts'
import { findOrInstall, programOnPath } from '../support/servers/find-or-install.ts'

const readme = readFileSync(join(root, 'README.md'), 'utf8')
const blocks = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map(match => String(match[1]))

const curl = await findOrInstall({ name: 'curl', packages: ['curl'], find: () => programOnPath('curl') })

let stage: Stage
let url: string
beforeAll(async () => {
  stage = createStage()
  url = (await stage.scheduler()).url
  stage.worker(url, ['--worker-id', 'builtin'])
})
afterAll(() => stage.close())

/** The words of the README, but for the address: a test has a port of its own. */
async function type(block: string): Promise<string> {
  const running = stage.run('bash', ['-ec', block.replaceAll('http://127.0.0.1:8000', url)], {
    env: { TASKLANE_URL: url },
  })
  const { code } = await running.exited
  expect(`${code}: ${running.stderr()}`).toMatch(/^0/)
  return running.stdout()
}

function blockWith(text: string): string {
  const block = blocks.find(each => each.includes(text))
  if (block === undefined) throw new Error(`README.md has no command with ${text}`)
  return block
}

describe('README.md', () => {
  it.skipIf(curl === null)('submits a sum with curl and reads its result', async () => {
    expect(JSON.parse(await type(blockWith('"sum-1"')))).toMatchObject({ task_id: 'sum-1', priority: 8 })
    expect(JSON.parse(await type(blockWith('sum-1/result')))).toMatchObject({ status: 'completed', result: 3 })
  })

  it.skipIf(curl === null)('submits a task that needs others, and asks about it', async () => {
    const batch = JSON.parse(await type(blockWith('"both"')))
    expect(batch.tasks.map((task: { task_id: string }) => task.task_id)).toEqual(['left', 'right', 'both'])
    const [why, graph, list, stats] = (await type(blockWith('both/why')))
      .split(/(?<=\})(?=\{)/)
      .map(text => JSON.parse(text))
    expect(why.reasons.length).toBeGreaterThan(0)
    expect(graph.edges).toHaveLength(2)
    expect(list.tasks.length).toBeGreaterThan(0)
    expect(stats.version).toMatch(/^\d+\.\d+\.\d+$/)
    const both = await until(
      async () => (await call(url, 'GET', '/api/tasks/both')).body,
      task => task.status === 'completed',
      () => 'the child to run',
    )
    expect(both.dependencies).toEqual(['left', 'right'])
  })

  it('starts a worker with types of its own, and submits to it in TypeScript and from the shell', async () => {
    const example = readFileSync(join(root, 'examples/hello/tasks.ts'), 'utf8')
    const shown = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
    expect(example).toContain(shown.trim().split('\n').slice(2).join('\n'))

    const worker = stage.run('bash', ['-ec', `exec ${blockWith('tasklane worker examples').trim()}`], {
      env: { TASKLANE_URL: url },
    })
    await until(
      () => worker.stdout() + worker.stderr(),
      text => text.includes('registered'),
      () => 'the worker to register',
    )
    const said = await type(blockWith('examples/hello/submit.ts'))
    expect(said).toContain('HELLO, ADA! HELLO, GRACE!')
    expect(said).toContain('Hello, Ada!')
  })

  it('names only documents that exist', () => {
    const links = [...readme.matchAll(/\]\((?!http)([^)#]+)\)/g)].map(match => String(match[1]))
    expect(links.length).toBeGreaterThan(10)
    for (const link of links) expect(() => readFileSync(join(root, link)), link).not.toThrow(/ENOENT/)
  })
})
