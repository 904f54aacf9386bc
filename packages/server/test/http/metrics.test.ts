import { describe, expect, it } from 'vitest'
import { Problem } from '../../src/core/problem.ts'
import type { EngineEvent } from '../../src/engine/engine.ts'
import { createLabelCap } from '../../src/http/metrics.ts'
import { startNode } from './harness.ts'

/** A node whose engine tells what the test says. */
async function startTold() {
  let listen: (event: EngineEvent) => void = () => undefined
  const { call } = await startNode({
    settings: { metricsEnabled: true },
    engine: () => ({
      observe: listener => {
        listen = listener
        return () => undefined
      },
    }),
  })
  return {
    call,
    tell: (event: EngineEvent) => listen(event),
    metrics: async () => (await call('GET', '/metrics')).text.split('\n'),
  }
}

describe('/metrics', () => {
  it('tells depths, outcomes, times, workers and what is running', async () => {
    const { call, running } = await startNode({ settings: { metricsEnabled: true } })
    const { epoch } = await running('t')
    await call('POST', '/api/workers/w1/settle', { results: [{ task_id: 't', epoch, outcome: 'completed' }] })
    await call('POST', '/api/workers/w1/settle', { results: [{ task_id: 't', epoch, outcome: 'failed' }] })
    await call('POST', '/api/tasks', { task_type: 'b', queue: 'slow' })
    const answer = await call('GET', '/metrics')
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toContain('text/plain')
    for (const line of [
      'tasklane_tasks{queue="slow",state="pending"} 1',
      'tasklane_tasks{queue="default",state="completed"} 1',
      'tasklane_tasks_submitted_total{queue="default",type="noop"} 1',
      'tasklane_tasks_claimed_total{queue="default",type="noop"} 1',
      'tasklane_tasks_ended_total{queue="default",type="noop",state="completed"} 1',
      'tasklane_task_wait_seconds_count{queue="default",type="noop"} 1',
      'tasklane_task_run_seconds_count{queue="default",type="noop"} 1',
      'tasklane_stale_settles_total 1',
      'tasklane_workers{status="active"} 1',
      'tasklane_worker_slots{use="all"} 1',
      'tasklane_store_up 1',
      'tasklane_build_info{version="0.0.0-test"',
      'http_request_duration_seconds_count{method="POST",route="/api/tasks",status="201"} 2',
      'process_cpu_seconds_total',
    ]) {
      expect(answer.text).toContain(line)
    }
    expect(answer.text).toMatch(/tasklane_commits_total [1-9]/)
  })

  it('still answers without the store, and says that it is away', async () => {
    const { call } = await startNode({
      settings: { metricsEnabled: true },
      engine: () => ({
        queues: async () => {
          throw new Problem('store_unavailable')
        },
      }),
    })
    const answer = await call('GET', '/metrics')
    expect(answer.status).toBe(200)
    expect(answer.text).toContain('tasklane_store_up 0')
  })

  it('does not exist where metrics are off', async () => {
    const { call } = await startNode()
    expect((await call('GET', '/metrics')).status).toBe(404)
  })

  it('keeps the number of series bounded whatever types and paths clients invent', async () => {
    const { tell, call } = await startTold()
    for (let at = 0; at < 300; at += 1) tell({ kind: 'submitted', queue: 'q', type: `type-${at}`, count: 1 })
    await call('GET', '/api/tasks/one')
    await call('GET', '/nowhere/at/all')
    const { text } = await call('GET', '/metrics')
    expect(text.match(/^tasklane_tasks_submitted_total\{/gm)).toHaveLength(201)
    expect(text).toContain('tasklane_tasks_submitted_total{queue="q",type="other"} 100')
    expect(text).toContain('route="/api/tasks/:id"')
    expect(text).toContain('route="unknown"')
    expect(text).not.toContain('nowhere')
  })

  it('tells durations in the buckets that hold them, each bucket with those below it', async () => {
    const { tell, metrics } = await startTold()
    for (const [waitMs, runMs] of [
      [0, 1],
      [1, 6],
      [30, 21_600_001],
      [null, null],
    ] as const) {
      tell({ kind: 'ended', queue: 'q', type: 't', state: 'completed', waitMs, runMs })
    }
    tell({ kind: 'ended', queue: 'q', type: 'u', state: 'cancelled', waitMs: null, runMs: null })
    const lines = await metrics()
    expect(lines).toContain('# TYPE tasklane_task_wait_seconds histogram')
    const ofLane = (name: string) => lines.filter(line => line.startsWith(`tasklane_task_${name}_seconds`))
    const counts = (name: string) => ofLane(`${name}`).map(line => Number(line.split(' ').at(-1)))
    // 18 buckets, the infinite one, the sum and the count; a lane that ended nothing that was measured has no series.
    expect(counts('wait')).toEqual([2, 2, 2, 2, ...Array<number>(14).fill(3), 3, 0.031, 3])
    expect(counts('run')).toEqual([1, 1, ...Array<number>(16).fill(2), 3, 21_600.008, 3])
    expect(ofLane('wait')[0]).toBe('tasklane_task_wait_seconds_bucket{le="0.001",queue="q",type="t"} 2')
    expect(ofLane('wait')[18]).toBe('tasklane_task_wait_seconds_bucket{le="+Inf",queue="q",type="t"} 3')
    expect(lines).toContain('tasklane_tasks_ended_total{queue="q",type="t",state="completed"} 4')
    expect(lines).toContain('tasklane_tasks_ended_total{queue="q",type="u",state="cancelled"} 1')
    expect(lines.some(line => line.includes('state="failed"'))).toBe(false)
  })

  it('counts on over several scrapes', async () => {
    const { tell, metrics } = await startTold()
    const ended = { kind: 'ended', queue: 'q', type: 't', state: 'failed', waitMs: 5, runMs: 5 } as const
    for (const count of [1, 2, 3]) {
      tell({ kind: 'submitted', queue: 'q', type: 't', count: 2 })
      tell(ended)
      tell({ kind: 'committed', commands: 3, durationMs: 2 })
      const lines = await metrics()
      expect(lines).toContain(`tasklane_tasks_submitted_total{queue="q",type="t"} ${2 * count}`)
      expect(lines).toContain(`tasklane_tasks_ended_total{queue="q",type="t",state="failed"} ${count}`)
      expect(lines).toContain(`tasklane_task_run_seconds_count{queue="q",type="t"} ${count}`)
      expect(lines).toContain(`tasklane_commit_duration_seconds_bucket{le="0.0025"} ${count}`)
      expect(lines).toContain('tasklane_commit_duration_seconds_bucket{le="0.001"} 0')
    }
  })

  it('caps a label by telling further values as other', () => {
    const cap = createLabelCap(2)
    expect(['a', 'b', 'c', 'a'].map(cap)).toEqual(['a', 'b', 'other', 'a'])
  })
})
