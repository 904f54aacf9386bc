import { join } from 'node:path'
import { TasklaneClient } from '@tasklane/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Link, openLink } from '../chaos/proxy.ts'
import { createStage, root, type Stage, until } from '../support/processes.ts'

const recordingTasks = join(root, 'test/fixtures/recording-tasks.mjs')

// Two ways to one scheduler, as to two nodes that share a store: each can be cut and can fall silent by itself.
let stage: Stage
let links: [Link, Link]
let client: TasklaneClient
beforeEach(async () => {
  stage = createStage()
  // Leases of six seconds.
  const { url } = await stage.scheduler({ env: { HEARTBEAT_INTERVAL: '2' } })
  links = [await linkTo(url), await linkTo(url)]
  client = new TasklaneClient({ url: links.map(link => link.url) })
})
afterEach(async () => {
  await client.close()
  await Promise.all(links.map(link => link.close()))
  await stage.close()
})

describe('a client and a worker that know two nodes', () => {
  it.each(['cut', 'stall'] as const)(
    'finish every task at the first try while one after the other is gone (%s)',
    async mode => {
      const worker = stage.worker(links.map(link => link.url).join(','), ['--worker-id', 'w1', '--concurrency', '4'])
      await finish('before', 20)
      // Whichever they began with: after the third each has been lost under them.
      for (const link of [...links, links[0]]) {
        link.setMode(mode)
        await finish(`without ${links.indexOf(link)}`, 20)
        link.setMode('pass')
      }
      expect(worker.process.exitCode).toBeNull()
      for (const link of links) expect(link.hits()).toBeGreaterThan(0)
    },
  )

  it('lose no lease while the node of the heartbeats is silent and a handler blocks its worker', async () => {
    const env = { RECORD_FILE: join(stage.folder(), 'record') }
    const both = links.map(link => link.url).join(',')
    const worker = stage.worker(both, [recordingTasks, '--worker-id', 'w1'], env)
    const { taskId } = await client.submit('computing', { ms: 12_000 })
    await until(
      () => client.get(taskId),
      task => task.status === 'running',
      () => `the task to run; the worker said: ${worker.stderr()}`,
    )
    // One of them is where the beats go, from a thread that nobody can tell where else to go.
    for (const link of links) {
      const before = await lastHeartbeat()
      link.setMode('stall')
      await until(
        lastHeartbeat,
        seen => seen > before,
        () => 'another heartbeat',
      )
      link.setMode('pass')
    }
    expect(await client.wait(taskId)).toMatchObject({ status: 'completed', attempt: 1, result: { isAborted: false } })
  })
})

async function finish(name: string, count: number): Promise<void> {
  const tasks = await Promise.all(
    Array.from({ length: count }, (_, at) => client.submit('add', { x: at, y: 1 }, { name })),
  )
  for (const task of tasks) {
    expect(await client.wait(task.taskId)).toMatchObject({ status: 'completed', attempt: 1 })
  }
}

async function lastHeartbeat(): Promise<string> {
  return (await client.worker('w1')).last_heartbeat
}

function linkTo(url: string): Promise<Link> {
  return openLink(
    () => Number(new URL(url).port),
    () => ({ request: () => {}, reply: () => {} }),
  )
}
