import { randomBytes } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createStage, root, type Stage, until } from '../support/processes.ts'
import { composeCommands, dockerfileLines, readRoot } from './commands.ts'

let stage: Stage
beforeEach(() => {
  stage = createStage()
})
afterEach(() => stage.close())

const copies = dockerfileLines('COPY').map(line => {
  const words = line.split(/\s+/)
  const from = words.find(word => word.startsWith('--from='))?.slice('--from='.length) ?? null
  const paths = words.filter(word => !word.startsWith('--'))
  return { from, sources: paths.slice(0, -1) }
})

describe('the Dockerfile', () => {
  it('copies what is here, and nothing that .dockerignore holds back', () => {
    const sources = copies.filter(copy => copy.from === null).flatMap(copy => copy.sources)
    expect(sources.length).toBeGreaterThan(5)
    const allowed = readRoot('.dockerignore')
      .split('\n')
      .filter(line => line.startsWith('!'))
      .map(line => line.slice(1))
    for (const source of sources) {
      expect(existsSync(join(root, source)), source).toBe(true)
      expect(
        allowed.some(path => source === path || source.startsWith(`${path}/`) || path === source.replace(/\/$/, '')),
        source,
      ).toBe(true)
    }
  })

  it('takes from the other stages what a build makes, of every package', () => {
    const stages = dockerfileLines('FROM').flatMap(line => / AS (\w+)$/.exec(line)?.[1] ?? [])
    for (const { from, sources } of copies) {
      if (from === null) continue
      expect(stages).toContain(from)
      for (const source of sources) expect(existsSync(join(root, source.replace(/^\/app/, '.'))), source).toBe(true)
    }
    const copied = copies.flatMap(copy => copy.sources)
    const { workspaces }: { workspaces: string[] } = JSON.parse(readRoot('package.json'))
    for (const folder of workspaces) {
      expect(copied).toContain(`${folder}/package.json`)
      // The pages are built into the server's package.
      const built = folder === 'packages/dashboard' ? 'packages/server/dashboard' : `${folder}/dist`
      expect(copied).toContain(`/app/${built}`)
    }
  })

  it('begins with the command', () => {
    const [entry = ''] = JSON.parse(dockerfileLines('ENTRYPOINT')[0] ?? '[]').slice(1)
    expect(statSync(join(root, entry.replace(/^\/app/, '.'))).isFile()).toBe(true)
  })

  it('does not run as root', () => {
    expect(dockerfileLines('USER')).toEqual(['node'])
  })

  it('starts a scheduler that its own health check finds ready', async () => {
    const env = imageEnv()
    const data = join(stage.folder(), 'tasklane.db')
    const command: string[] = JSON.parse(dockerfileLines('CMD').at(-1) ?? '[]')
    const cli = join(root, 'packages/cli/bin/tasklane.js')
    // The image's own variables, but for where it listens and keeps its file.
    const node = stage.run(process.execPath, [cli, ...command, '--host', '127.0.0.1', '--port', '0', '--json'], {
      env: { ...env, DATABASE_URL: `sqlite:///${data}` },
    })
    const line = await until(
      () => node.stdout().split('\n')[0] ?? '',
      first => first !== '',
      () => `the scheduler to listen; it said: ${node.stderr()}`,
    )
    const { url } = JSON.parse(line)
    const check = healthCheck()
    expect(await checkWith(check, `${url}/readyz`)).toBe(0)
    expect(await checkWith(check, `${url}/no-such-page`)).toBe(1)
    node.kill('SIGTERM')
    expect((await node.exited).code).toBe(0)
    expect(await checkWith(check, `${url}/readyz`)).toBe(1)
  })
})

describe('the commands of compose.yaml', () => {
  it('are taken by the command line, but for what is added to be refused', async () => {
    expect(composeCommands().map(([name]) => name)).toEqual(['serve', 'worker'])
    for (const command of composeCommands()) {
      const cli = join(root, 'packages/cli/bin/tasklane.js')
      // A node that everybody can reach does not start without a key.
      const env = { SECRET_KEY: randomBytes(32).toString('hex') }
      const run = stage.run(process.execPath, [cli, ...command, '--no-such-option', '--json'], { env })
      expect((await run.exited).code).toBe(2)
      const { error }: { error: { messages: string[] } } = JSON.parse(run.stderr())
      expect(error.messages).toEqual([expect.stringContaining('--no-such-option')])
    }
  })

  it('publish each worker on the port that it tells its health on', () => {
    const compose = readRoot('compose.yaml')
    const [, worker = []] = composeCommands()
    const port = worker[worker.indexOf('--http-port') + 1]
    const published = [...compose.matchAll(/:(800[1-9]):(\d+)"/g)].map(([, outer, inner]) => [outer, inner])
    expect(published).toEqual(['8001', '8002', '8003', '8004'].map(outer => [outer, port]))
    expect(compose).toContain(`"http://127.0.0.1:${port}/health"`)
  })

  it('mount files that are here', () => {
    const mounts = [...readRoot('compose.yaml').matchAll(/^ {6}- (\.\/[^:]+):/gm)].map(([, file]) => file ?? '')
    expect(mounts).toEqual(['./deploy/nginx.conf.template'])
    for (const file of mounts) expect(statSync(join(root, file)).isFile()).toBe(true)
  })
})

function imageEnv(): Record<string, string> {
  const pairs = dockerfileLines('ENV').flatMap(line => line.split(/\s+/))
  return Object.fromEntries(pairs.map(pair => pair.split('=', 2)))
}

function healthCheck(): readonly string[] {
  const list = /CMD (\[.*\])$/.exec(dockerfileLines('HEALTHCHECK')[0] ?? '')?.[1]
  return JSON.parse(list ?? '[]')
}

async function checkWith([, ...words]: readonly string[], url: string): Promise<number | null> {
  return (await stage.run(process.execPath, [...words.slice(0, -1), url]).exited).code
}
