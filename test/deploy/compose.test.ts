import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createStage, type Stage } from '../support/processes.ts'
import { findOrInstall, programOnPath } from '../support/servers/find-or-install.ts'

// Only reads and judges the file: no container is started, which would take an engine.
const compose = await findOrInstall({
  name: 'docker-compose',
  packages: ['docker-compose'],
  find: () => programOnPath('docker-compose'),
})

let stage: Stage
beforeEach(() => {
  stage = createStage()
})
afterEach(() => stage.close())

const secrets = { POSTGRES_PASSWORD: '0f1e2d', SECRET_KEY: 'c3b2a1', WORKER_TOKEN: 'tl_9a8b' }

describe.skipIf(compose === null)('compose.yaml', () => {
  it('is right, with three workers, and a fourth by its profile', async () => {
    const { code, stdout, stderr } = await config(secrets, 'config')
    expect([code, stderr]).toEqual([0, ''])
    const services = [...(stdout.split(/^volumes:$/m)[0]?.matchAll(/^ {2}(\w+):$/gm) ?? [])].map(([, name]) => name)
    const expected = ['node1', 'node2', 'postgres', 'proxy', 'worker1', 'worker2', 'worker3', 'worker4']
    expect(services.filter(name => expected.includes(String(name))).sort()).toEqual(expected)
    // Not in every version does the list leave out what its profile leaves out.
    expect(stdout.match(/^ {4}profiles:\n {4,6}- more$/gm)).toHaveLength(1)
    expect(stdout.slice(stdout.indexOf('\n  worker4:'))).toMatch(/^ {4}profiles:$/m)
  })

  it('gives the same secrets to everybody who shares them', async () => {
    const { stdout } = await config(secrets, 'config')
    expect(stdout.match(/SECRET_KEY: c3b2a1$/gm)).toHaveLength(2)
    expect(stdout.match(/DATABASE_URL: postgresql:\/\/tasklane:0f1e2d@postgres:5432\/tasklane$/gm)).toHaveLength(2)
    expect(stdout.match(/POSTGRES_PASSWORD: 0f1e2d$/gm)).toHaveLength(1)
    expect(stdout.match(/TASKLANE_WORKER_TOKEN: tl_9a8b$/gm)).toHaveLength(2)
    expect(stdout.match(/TASKLANE_TOKEN: tl_9a8b$/gm)).toHaveLength(stdout.match(/WORKER_ID: /g)?.length ?? 0)
  })

  it('publishes on loopback unless another address is named', async () => {
    const published = async (env: Record<string, string>): Promise<string[]> => {
      const { stdout } = await config({ ...secrets, ...env }, 'config')
      return stdout.match(/[\d.]+:80\d\d:80\d\d/g) ?? []
    }
    const usual = await published({})
    expect(usual).toHaveLength(5)
    for (const port of usual) expect(port).toMatch(/^127\.0\.0\.1:/)
    for (const port of await published({ PUBLISH_ADDRESS: '10.1.2.3' })) expect(port).toMatch(/^10\.1\.2\.3:/)
  })

  it.each(['POSTGRES_PASSWORD', 'SECRET_KEY', 'WORKER_TOKEN'] as const)(
    'does not start without %s, and says what to do',
    async name => {
      for (const missing of [
        { ...secrets, [name]: '' },
        { ...secrets, [name]: undefined },
      ]) {
        const { code, stderr } = await config(missing, 'config', '--quiet')
        expect(code).not.toBe(0)
        expect(stderr).toMatch(/put (?:a long random )?one into \.env/)
      }
    },
  )
})

async function config(env: Readonly<Record<string, string | undefined>>, ...words: string[]) {
  // Empty: an .env beside the file would stand in for what is left out here.
  const envFile = join(stage.folder(), 'env')
  writeFileSync(envFile, '')
  const set = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
  const run = stage.run('env', [
    '-i',
    `PATH=${process.env.PATH}`,
    ...set,
    String(compose),
    '--env-file',
    envFile,
    ...words,
  ])
  const { code } = await run.exited
  return { code, stdout: run.stdout(), stderr: run.stderr() }
}
