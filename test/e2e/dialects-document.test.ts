import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { TasklaneWorker } from '@tasklane/sdk'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { createBuiltIns } from '../../packages/cli/src/builtins/builtins.ts'
import { ensureFirstAdmin } from '../../packages/server/src/http/auth/first-admin.ts'
import { systemClock } from '../../packages/server/src/system-clock.ts'
import { listen, type Node, startNode, until } from '../../packages/server/test/http/harness.ts'
import { root } from '../support/processes.ts'
import { findOrInstall, programOnPath } from '../support/servers/find-or-install.ts'

const curl = await findOrInstall({ name: 'curl', packages: ['curl'], find: () => programOnPath('curl') })
const run = promisify(execFile)
const password = 'the password of the first admin'
const ignore = () => {}
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore }

const typed = new Set<string>()
const documents = ['docs/dialects.md', 'docs/dialects-pull.md'].map(path => readFileSync(join(root, path), 'utf8'))
const blocks = documents.flatMap(text => [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(match => String(match[1])))

/** A node and a worker in this process; `type` runs a block of the documents, and tells each JSON text that it printed. */
async function startPage(): Promise<Node & { readonly type: (mark: string) => Promise<readonly unknown[]> }> {
  const node = await startNode()
  await ensureFirstAdmin(node.store, password, systemClock)
  const url = `http://127.0.0.1:${await listen(node)}`
  const worker = new TasklaneWorker({ url, workerId: 'w1', tasks: createBuiltIns(), signals: false, logger: silent })
  onTestFinished(() => worker.stop({ graceMs: 0 }))
  await worker.start()
  const type = async (mark: string) => {
    const block = blocks.find(each => each.includes(mark))
    if (block === undefined) throw new Error(`no command has ${mark}`)
    typed.add(block)
    const env = { ...process.env, TASKLANE_ADMIN_PASSWORD: password }
    const { stdout } = await run('bash', ['-ec', block.replaceAll('http://127.0.0.1:8000', url)], {
      env,
      timeout: 30_000,
    })
    return stdout.split(/(?<=\})\n?(?=\{)/).map(text => JSON.parse(text) as unknown)
  }
  return { ...node, type }
}

describe.skipIf(curl === null)('the commands of docs/dialects.md', () => {
  it('for A: log in, submit a name, read it, and complete it', async () => {
    const { type } = await startPage()
    expect(await type('-d "username=admin"')).toMatchObject([
      { id: 1, name: 'Monthly report', status: 'pending', priority: 5, user_id: 1, submitted_by: 'admin' },
    ])
    expect(await type('http://127.0.0.1:8000/tasks/1\n')).toMatchObject([{ id: 1, task_type: 'simulate' }])
    expect(await type('/tasks/1/complete')).toMatchObject([{ id: 1, status: 'completed' }])
  })

  it('for B: submit, read, list, look at workers and health, and delete', async () => {
    const { type, call } = await startPage()
    expect(await type('"task_id": "product"')).toMatchObject([
      { task_id: 'product', task_type: 'multiply', priority: 8 },
    ])
    await until(async () => (await call('GET', '/tasks/product')).body.status === 'completed')
    expect(await type('8000/tasks/product\n')).toMatchObject([{ status: 'completed', result: 42 }])
    expect(await type('/tasks/?status=completed')).toMatchObject([
      { tasks: [{ task_id: 'product' }], next_cursor: null },
    ])
    expect(await type('8000/workers/')).toMatchObject([{ workers: [{ worker_id: 'w1' }] }, { status: 'ok' }])
    expect(await type('-X DELETE http://127.0.0.1:8000/tasks/product')).toMatchObject([
      { message: 'Task deleted', task_id: 'product', status: 'completed' },
    ])
  })

  it('for C: submit, read, list, register, beat, and look at workers', async () => {
    const { type } = await startPage()
    expect(await type('"task_id": "capitals"')).toMatchObject([{ task_id: 'capitals', max_retries: 3 }])
    expect(await type('/api/tasks/capitals')).toMatchObject([{ task_type: 'upper_case' }, { next_cursor: null }])
    const [registered, beat, list] = await type('/api/workers/register')
    expect(registered).toMatchObject({ worker_id: 'worker-001' })
    expect(beat).toEqual({ cancel: [], lost: [], drain: false })
    expect(Object(list).workers.map((worker: { worker_id: string }) => worker.worker_id)).toContain('worker-001')
  })

  it('for D: submit, and poll until SUCCESS', async () => {
    const { type, call } = await startPage()
    const [sum, product] = await type('8000/add -H')
    const done = async (submitted: unknown) => (await call('GET', `/status/${Object(submitted).task_id}`)).body
    await until(async () => (await done(product)).status === 'SUCCESS')
    expect([await done(sum), await done(product)]).toMatchObject([{ result: 3 }, { result: Number.MAX_SAFE_INTEGER }])
    expect(await type('/upper_case')).toMatchObject([{ status: 'SUCCESS', result: 'STRASSE' }])
  })

  it('for E: add a call', async () => {
    const { type, call } = await startPage()
    const [added] = await type('/add_task')
    await until(async () => (await call('GET', `/status/${Object(added).task_id}`)).body.result === 3)
  })

  afterAll(() => {
    expect(blocks.filter(block => !typed.has(block))).toEqual([])
  })
})

it('the documents of the dialects name only documents and headings that exist', () => {
  const [main = '', pull = ''] = documents
  const links = [...`${main}${pull}`.matchAll(/\]\((?!http)([^)]+)\)/g)].map(match => String(match[1]))
  expect(links.length).toBeGreaterThan(6)
  const headings = [...main.matchAll(/^## (.+)$/gm)].map(
    ([, text = '']) =>
      `#${text
        .toLowerCase()
        .replace(/[^a-z0-9 ]/g, '')
        .replaceAll(' ', '-')}`,
  )
  for (const link of links) {
    if (link.startsWith('#')) expect(headings).toContain(link)
    else expect(() => readFileSync(join(root, 'docs', link.replace(/#.*/, ''))), link).not.toThrow(/ENOENT/)
  }
})
