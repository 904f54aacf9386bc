import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tryPort } from '../../packages/cli/src/pool/ports.ts'
import { call, createStage, root, type Stage, until } from '../support/processes.ts'
import { findOrInstall, programOnPath } from '../support/servers/find-or-install.ts'

const curl = await findOrInstall({ name: 'curl', packages: ['curl'], find: () => programOnPath('curl') })
const page = readFileSync(join(root, 'docs/migrating.md'), 'utf8')
const blocks = [...page.matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm)].map(match => String(match[1]))
const typed = new Set<string>()

describe.skipIf(curl === null)('the commands of docs/migrating.md', () => {
  let stage: Stage
  let url: string
  beforeAll(async () => {
    stage = createStage()
    url = (await stage.scheduler()).url
    stage.worker(url, ['--worker-id', 'own'])
  })
  afterAll(async () => {
    await stage.close()
    expect(blocks.filter(block => !typed.has(block))).toEqual([])
  })

  /** The words of the page, but for the address and what `change` does: a test has ports and folders of its own. */
  async function type(mark: string, change: (block: string) => string = block => block): Promise<string> {
    const block = blocks.find(each => each.includes(mark))
    if (block === undefined) throw new Error(`docs/migrating.md has no command with ${mark}`)
    typed.add(block)
    const words = change(block).replaceAll('http://127.0.0.1:8000', url)
    const running = stage.run('bash', ['-ec', words], { env: { TASKLANE_URL: url } })
    const { code } = await running.exited
    expect(`${code}: ${running.stderr()}`).toMatch(/^0/)
    return running.stdout()
  }

  it('start workers, look at them and stop them', async () => {
    const port = await threePorts()
    const state = join(stage.folder(), 'state')
    const said = await type('./start_workers.sh', block =>
      block
        .replace('3 worker', `$& --http-port ${port}`)
        .replace(/^\S+_workers\.sh.*/gm, `$& --state-dir ${state}`)
        .replace('8001', String(port)),
    )
    expect(said).toContain('Started worker-1, worker-2, worker-3.')
    expect(said).toMatch(/^worker-3 +\d+ +up /m)
    expect(said).toMatch(/"status":"ok","worker_id":"worker-1"/)
    expect(said).toContain('Stopped worker-1, worker-2, worker-3.')
  })

  it('submit a type that nobody serves, and ask why it waits', async () => {
    expect(await type('waits-for-a-worker')).toContain('resize_image')
  })

  it('make a user, who logs in and submits by name', async () => {
    await type('tasklane users create ada')
    const task: Record<string, unknown> = JSON.parse(await type('username=ada'))
    expect(task).toMatchObject({ name: 'Monthly report', priority: 5, submitted_by: 'ada' })
  })

  it('submit in the words of B, C, D and E', async () => {
    expect(await type('"type": "add"')).toMatch(/"task_type":"add"[\s\S]*"worker_id":"own"/)
    expect(await type('"task_type": "multiply"')).toContain('"next_cursor"')
    expect(await type('8000/multiply')).toContain('"result":42')
    expect(await type('8000/add_task')).toContain('"tasks_by_status"')
    const { body } = await until(
      () => call<{ tasks_by_status: Record<string, number> }>(url, 'GET', '/status'),
      ({ body: { tasks_by_status: counts } }) => Number(counts.COMPLETED) >= 4,
      () => 'the tasks of all dialects to be done',
    )
    expect(body.tasks_by_status.FAILED).toBe(0)
  })

  it('are on a page that names only documents and headings that exist', () => {
    const links = [...page.matchAll(/\]\((?!http)([^)]+)\)/g)].map(match => String(match[1]))
    const headings = [...page.matchAll(/^## (.+)$/gm)].map(
      match =>
        `#${String(match[1])
          .toLowerCase()
          .replace(/[^a-z0-9 -]/g, '')
          .replaceAll(' ', '-')}`,
    )
    expect(links.length).toBeGreaterThan(10)
    for (const link of links) {
      if (link.startsWith('#')) expect(headings).toContain(link)
      else expect(() => readFileSync(join(root, 'docs', link.replace(/#.*/, ''))), link).not.toThrow(/ENOENT/)
    }
  })
})

/** The first of three in a row that are free. */
async function threePorts(): Promise<number> {
  for (let tries = 0; tries < 50; tries += 1) {
    const first = await tryPort('127.0.0.1', null)
    if (!('port' in first) || first.port > 65_000) continue
    const others = await Promise.all([1, 2].map(step => tryPort('127.0.0.1', first.port + step)))
    if (others.every(other => 'port' in other)) return first.port
  }
  throw new Error('There are no three free ports in a row.')
}
