import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TasklaneClient } from '@tasklane/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { call, command, createStage, type Running, type Stage, until } from '../support/processes.ts'
import { findOrInstall, isProgram, programOnPath } from '../support/servers/find-or-install.ts'
import { freePort } from '../support/servers/free-port.ts'
import { type FreshDatabase, freshDatabase, postgresServer } from '../support/servers/postgres.ts'
import { readRoot } from './commands.ts'

// What compose.yaml puts together, without the containers: two nodes on PostgreSQL behind the proxy as it is set up
// there, and workers that know both nodes.
const postgres = await postgresServer()
const nginx = await findOrInstall({ name: 'nginx', packages: ['nginx'], find: findNginx })

let stage: Stage
let database: FreshDatabase
beforeEach(async () => {
  stage = createStage()
  database = await freshDatabase()
})
afterEach(async () => {
  await stage.close()
  await database.drop()
})

describe.skipIf(postgres === null || nginx === null)('two nodes behind the proxy', () => {
  it('are one scheduler, also while one of them is killed and comes back', async () => {
    const nodes = [await startNode(0), await startNode(0)]
    const proxy = await startProxy(nodes.map(node => node.url))
    const client = new TasklaneClient({ url: proxy, retries: 8 })
    const urls = nodes.map(node => node.url).join(',')
    for (const id of ['worker1', 'worker2']) stage.worker(urls, ['--worker-id', id])
    await finish(client, 'both', 20)
    for (const node of nodes) {
      node.running.kill('SIGKILL')
      await node.running.exited
      await finish(client, `without ${node.url}`, 20)
      node.running = (await startNode(Number(new URL(node.url).port))).running
    }
    await finish(client, 'both again', 20)
    await client.close()
  })
})

/** Every task at the first try: that a node was killed charged nobody. */
async function finish(client: TasklaneClient, name: string, count: number): Promise<void> {
  const tasks = await Promise.all(
    Array.from({ length: count }, (_, at) => client.submit('add', { x: at, y: 1 }, { name })),
  )
  for (const { taskId } of tasks) expect(await client.wait(taskId)).toMatchObject({ status: 'completed', attempt: 1 })
}

async function startNode(port: number): Promise<{ url: string; running: Running }> {
  const running = stage.run(process.execPath, [command, 'serve', '--port', String(port), '--json'], {
    env: { DATABASE_URL: database.url, LOG_LEVEL: 'warn', TRUST_PROXY: 'loopback' },
  })
  const line = await until(
    () => running.stdout().split('\n')[0] ?? '',
    first => first !== '' || running.process.exitCode !== null,
    () => `the node to listen; it said: ${running.stderr()}`,
  )
  if (line === '') throw new Error(`The node exited: ${running.stderr()}`)
  return { url: String(JSON.parse(line).url), running }
}

async function startProxy(nodes: readonly string[]): Promise<string> {
  const folder = stage.folder()
  const port = await freePort()
  const [first = '', second = ''] = nodes.map(url => new URL(url).host)
  writeFileSync(join(folder, 'nginx.conf'), proxyConfiguration({ port, first, second, folder }))
  const proxy = stage.run(String(nginx), ['-p', folder, '-c', 'nginx.conf', '-e', join(folder, 'error.log')])
  const url = `http://127.0.0.1:${port}`
  const statusOfReady = async (): Promise<number> => {
    // Not listening yet is no answer.
    const reply = await call(url, 'GET', '/readyz').catch(() => null)
    return reply?.status ?? 0
  }
  await until(
    statusOfReady,
    status => status === 200,
    () => `the proxy to be ready; it said: ${proxy.stderr()}`,
  )
  return url
}

/** The template as the image fills it in, in a whole configuration that writes to one folder. */
function proxyConfiguration(given: { port: number; first: string; second: string; folder: string }): string {
  const values: Readonly<Record<string, string>> = {
    PROXY_LISTEN: `127.0.0.1:${given.port}`,
    PROXY_NODE1: given.first,
    PROXY_NODE2: given.second,
    PROXY_RESOLVER: '127.0.0.1',
    // Addresses need no resolver, and Debian's nginx is older than the word.
    PROXY_SERVER_OPTIONS: '',
  }
  const filled = readRoot('deploy/nginx.conf.template').replace(/\$\{(\w+)\}/g, (word, name) => values[name] ?? word)
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    name => `${name}_temp_path ${join(given.folder, name)};`,
  )
  return [
    'daemon off;',
    // As root nginx would give its workers to a user that cannot read the folder.
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    `pid ${join(given.folder, 'pid')};`,
    `events { worker_connections 512; }`,
    `http { access_log off; ${folders.join(' ')}`,
    filled,
    '}',
  ].join('\n')
}

/** Debian keeps it where only root looks; it tells its version by `-v` alone. */
function findNginx(): string | null {
  return programOnPath('nginx') ?? ['/usr/sbin/nginx', '/usr/local/sbin/nginx'].find(isProgram) ?? null
}
