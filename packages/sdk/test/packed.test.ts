import { execFile } from 'node:child_process'
import { access, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { startSchedulerDouble } from './scheduler-double.ts'

const run = promisify(execFile)
const packages = fileURLToPath(new URL('../..', import.meta.url))
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'

beforeAll(async () => {
  await access(join(packages, 'sdk/dist/index.js')).catch(() => {
    throw new Error('packages/sdk/dist is missing; run `npm run build` first, as `npm test` does.')
  })
})

it('installs from its tarballs into an empty project, and submits and runs a task there', async () => {
  const scheduler = await startSchedulerDouble({}, onTestFinished)
  const folder = await mkdtemp(join(tmpdir(), 'tasklane-packed-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  for (const name of ['protocol', 'sdk']) {
    await run(npm, ['pack', '--pack-destination', folder, '--ignore-scripts'], { cwd: join(packages, name) })
  }
  const tarballs = (await readdir(folder)).filter(file => file.endsWith('.tgz')).map(file => `./${file}`)
  expect(tarballs).toHaveLength(2)
  await writeFile(join(folder, 'package.json'), '{"name":"empty","private":true,"type":"module"}')
  await run(npm, ['install', ...tarballs, '--offline', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder })
  expect((await readdir(join(folder, 'node_modules'))).filter(name => !name.startsWith('.'))).toEqual(['@tasklane'])

  await writeFile(join(folder, 'main.js'), program)
  const env = { ...process.env, TASKLANE_URL: scheduler.url }
  const { stdout, stderr } = await run(process.execPath, ['main.js'], { cwd: folder, env })
  expect({ stdout, stderr }).toEqual({ stdout: '{"sum":3,"status":"stopped"}\n', stderr: '' })
})

const program = `
import { defineTask, TasklaneClient, TasklaneWorker } from '@tasklane/sdk'

const add = defineTask({ type: 'add', run: ({ x, y }) => x + y })
const worker = new TasklaneWorker({ tasks: [add] })
await worker.start()
const client = new TasklaneClient()
const task = await client.submit(add, { x: 1, y: 2 })
const sum = await task.result()
await worker.stop()
await client.close()
console.log(JSON.stringify({ sum, status: worker.status().state }))
`
