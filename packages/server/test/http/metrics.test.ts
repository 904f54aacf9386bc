import { describe, expect, it } from 'vitest'
import { Problem } from '../../src/core/problem.ts'
import type { EngineEvent } from '../../src/engine/engine.ts'
import { createLabelCap } from '../../src/http/metrics.ts'
import { startNode } from './harness.ts'

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
    let tell: (event: EngineEvent) => void = () => undefined
    const { call } = await startNode({
      settings: { metricsEnabled: true },
      engine: () => ({
        observe: listener => {
          tell = listener
          return () => undefined
        },
      }),
    })
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

  it('caps a label by telling further values as other', () => {
    const cap = createLabelCap(2)
    expect(['a', 'b', 'c', 'a'].map(cap)).toEqual(['a', 'b', 'other', 'a'])
  })
})
