import { defineTask, type WorkerRuntimeStatus } from '@tasklane/sdk'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startWorkerHttp } from '../src/worker-http.ts'
import { createWorkerMetrics } from '../src/worker-metrics.ts'
import { run } from './fake-host.ts'
import { attempt } from './run-task.ts'

const running: WorkerRuntimeStatus = {
  state: 'running',
  workerId: 'w1',
  instance: 'i1',
  isConnected: true,
  slots: 10,
  slotsUsed: 2,
  settling: 1,
  running: [],
}

describe('the health of a worker', () => {
  it.each([
    [{}, 'ok', 200],
    [{ isConnected: false }, 'disconnected', 503],
    [{ state: 'starting' }, 'starting', 503],
    [{ state: 'stopping' }, 'stopping', 503],
  ] as const)('%j is told as %s with %i, while /livez is 200', async (change, status, code) => {
    const url = await start({ ...running, ...change })
    const health = await fetch(`${url}/health/?at=once`)
    expect([health.status, await health.json()]).toEqual([
      code,
      { status, worker_id: 'w1', slots: 10, slots_used: 2, settling: 1 },
    ])
    expect((await fetch(`${url}/livez`)).status).toBe(200)
    expect(await (await fetch(`${url}/health`, { method: 'HEAD' })).text()).toBe('')
  })

  it('is all that is told: nothing is taken, and nothing else is there', async () => {
    const url = await start(running)
    const post = await fetch(`${url}/health`, { method: 'POST', body: '{}' })
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    const other = await fetch(`${url}/tasks`)
    expect(await other.json()).toMatchObject({ status: 404, code: 'not_found' })
  })

  it('is told on loopback alone unless a host is named', async () => {
    expect(new URL(await start(running)).hostname).toBe('127.0.0.1')
  })
})

describe('the metrics of a worker', () => {
  it('count handlers by type and outcome, in text that Prometheus reads', async () => {
    const metrics = createWorkerMetrics()
    const tasks = [
      defineTask({ type: 'good', run: (input: number) => input + 1 }),
      defineTask({ type: 'bad', run: () => Promise.reject(new Error('no')) }),
    ]
    // A handler takes what its type takes; here numbers and nothing.
    const [good, bad] = metrics.count(tasks) as unknown as typeof tasks
    if (good === undefined || bad === undefined) throw new Error('Both were counted.')
    expect(await attempt(good, 1)).toBe(2)
    await attempt(good, 2)
    await expect(attempt(bad, null)).rejects.toThrow('no')
    await attempt(good, 3, { signal: AbortSignal.abort() })
    const url = await start(running, () => metrics.render(running))
    const reply = await fetch(`${url}/metrics`)
    expect(reply.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const text = await reply.text()
    for (const line of [
      'tasklane_worker_handlers_total{type="good",outcome="completed"} 2',
      'tasklane_worker_handlers_total{type="good",outcome="aborted"} 1',
      'tasklane_worker_handlers_total{type="bad",outcome="failed"} 1',
      'tasklane_worker_slots_used 2',
      'tasklane_worker_connected 1',
      'tasklane_worker_info{worker_id="w1"} 1',
    ]) {
      expect(text.split('\n')).toContain(line)
    }
    for (const line of text.trimEnd().split('\n')) {
      expect(line).toMatch(/^(# HELP [a-z_]+ .+|# TYPE [a-z_]+ (gauge|counter)|[a-z_]+(\{[^{}]+\})? \S+)$/)
      if (!line.startsWith('#')) expect(Number(line.split(' ').at(-1))).not.toBeNaN()
    }
  })
})

describe('--http-port', () => {
  it('takes a port, and a host only beside it', async () => {
    const { exitCode, err } = await run(['worker', '--http-port', '70000'])
    expect([exitCode, err]).toEqual([2, expect.stringContaining('--http-port takes a whole number from 0 to 65535')])
    const alone = await run(['worker', '--http-host', '0.0.0.0'])
    expect([alone.exitCode, alone.err]).toEqual([2, expect.stringContaining('--http-host says where --http-port')])
    const odd = await run(['worker', '--http-port', '0', '--http-host', 'a b'])
    expect([odd.exitCode, odd.err]).toEqual([2, expect.stringContaining('--http-host takes an address')])
  })

  it('says so when the port is taken', async () => {
    const { port } = new URL(await start(running))
    const { exitCode, err } = await run(['worker', '--http-port', port])
    expect([exitCode, err]).toEqual([1, expect.stringContaining('Choose another port with --http-port')])
  })
})

async function start(status: WorkerRuntimeStatus, metrics: () => string = () => ''): Promise<string> {
  const http = await startWorkerHttp({ host: '127.0.0.1', port: 0, status: () => status, metrics })
  onTestFinished(http.close)
  return http.url
}
