import { execFile } from 'node:child_process'
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { startSchedulerDouble } from './scheduler-double.ts'

const run = promisify(execFile)
const packages = fileURLToPath(new URL('../..', import.meta.url))
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
const tsc = fileURLToPath(new URL('../../../node_modules/typescript/bin/tsc', import.meta.url))
let folder = ''

beforeAll(async () => {
  await access(join(packages, 'sdk/dist/index.js')).catch(() => {
    throw new Error('packages/sdk/dist is missing; run `npm run build` first, as `npm test` does.')
  })
  folder = await installPacked()
  return () => rm(folder, { recursive: true, force: true })
}, 60_000)

it('installs from its tarballs into an empty project, and submits and runs a task there', async () => {
  const scheduler = await startSchedulerDouble({}, onTestFinished)
  await writeFile(join(folder, 'main.js'), program)
  const env = { ...process.env, TASKLANE_URL: scheduler.url }
  const { stdout, stderr } = await run(process.execPath, ['main.js'], { cwd: folder, env })
  expect({ stdout, stderr }).toEqual({ stdout: '{"sum":3,"status":"stopped"}\n', stderr: '' })
})

it.each(['nodenext', 'preserve'])(
  'type-checks in a strict project without any other types (module %s)',
  async module => {
    await writeFile(join(folder, 'main.ts'), typedProgram)
    const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2023', '--module', module]
    // The library's own declarations are checked too, and nothing is taken from @types.
    const checks = [...options, '--skipLibCheck', 'false', '--types', '', 'main.ts']
    // tsc tells its findings on stdout.
    const findings = await run(process.execPath, [tsc, ...checks], { cwd: folder }).then(
      () => '',
      (error: { readonly stdout?: string }) => error.stdout ?? String(error),
    )
    expect(findings).toBe('')
  },
)

it('carries its licence, and a page for people whose links lead somewhere', async () => {
  const installed = join(folder, 'node_modules/@tasklane/sdk')
  const licence = await readFile(join(packages, '../LICENSE'), 'utf8')
  expect(await readFile(join(installed, 'LICENSE'), 'utf8')).toBe(licence)
  const readme = await readFile(join(installed, 'README.md'), 'utf8')
  const targets = [...readme.matchAll(/\]\(([^)]*)\)/g)].map(([, target]) => target)
  expect(targets.length).toBeGreaterThan(0)
  for (const target of targets) expect(target).toMatch(/^(https:\/\/|#)/)
})

/** Packs both packages and installs them where there is nothing else. */
async function installPacked(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tasklane-packed-'))
  for (const name of ['protocol', 'sdk']) {
    await run(npm, ['pack', '--pack-destination', folder, '--ignore-scripts'], { cwd: join(packages, name) })
  }
  const tarballs = (await readdir(folder)).filter(file => file.endsWith('.tgz')).map(file => `./${file}`)
  expect(tarballs).toHaveLength(2)
  await writeFile(join(folder, 'package.json'), '{"name":"empty","private":true,"type":"module"}')
  await run(npm, ['install', ...tarballs, '--offline', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder })
  expect((await readdir(join(folder, 'node_modules'))).filter(name => !name.startsWith('.'))).toEqual(['@tasklane'])
  return folder
}

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

const typedProgram = `
import { defineTask, TasklaneClient, TasklaneWorker } from '@tasklane/sdk'

const add = defineTask({ type: 'add', run: ({ x, y }: { x: number; y: number }) => x + y })
await using worker = new TasklaneWorker({ tasks: [add] })
await worker.start()
await using client = new TasklaneClient()
const task = await client.submit(add, { x: 1, y: 2 })
export const sum: number = await task.result()
// @ts-expect-error The payload is checked by its definition.
await client.submit(add, { x: 'one', y: 2 })
`
