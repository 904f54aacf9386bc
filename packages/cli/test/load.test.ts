import { ApiError } from '@tasklane/sdk'
import { describe, expect, it } from 'vitest'
import type { SchedulerClient } from '../src/connection.ts'
import { generateLoad } from '../src/load/generate-load.ts'
import { createMixer, readMix } from '../src/load/mix.ts'
import { summariseLoad } from '../src/load/summary.ts'
import { run } from './fake-host.ts'
import { sampleTask } from './sample-task.ts'

/** A clock that only moves when somebody sleeps. */
function createClock() {
  let nowMs = 0
  return {
    monotonicMs: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms
    },
    advance: (ms: number) => {
      nowMs += ms
    },
  }
}

function generate(
  client: object,
  given: { count: number; ratePerSecond: number | null; signal?: AbortSignal },
  clock = createClock(),
) {
  return generateLoad(client as SchedulerClient, {
    mix: [{ type: 'noop', share: 1 }],
    priority: null,
    queue: null,
    runId: 'r',
    signal: new AbortController().signal,
    onProgress: () => {},
    ...clock,
    ...given,
  })
}

describe('the mix', () => {
  it('has the shares that were asked for in any stretch of a run', () => {
    const next = createMixer([
      { type: 'add', share: 3 },
      { type: 'sleep', share: 1 },
    ])
    const types = Array.from({ length: 400 }, (_, at) => next(at).type)
    for (let from = 0; from < 400; from += 4) {
      expect(types.slice(from, from + 4).filter(type => type === 'sleep')).toHaveLength(1)
    }
  })

  it.each([
    ['ad=3', "Did you mean 'add'?"],
    ['add=0', 'above 0'],
    ['add=x', 'above 0'],
    ['http_request', 'has payloads for'],
    ['', 'has payloads for'],
  ])('refuses %s', (text, sentence) => {
    expect(readMix('--mix', text)).toEqual({ fault: expect.stringContaining(sentence) })
  })

  it('takes a type without a share as one', () => {
    expect(readMix('--mix', 'add=2.5, noop')).toEqual({
      value: [
        { type: 'add', share: 2.5 },
        { type: 'noop', share: 1 },
      ],
    })
  })
})

describe('the load', () => {
  it('submits at the rate that was asked for', async () => {
    const clock = createClock()
    const at: number[] = []
    await generate({ submit: async () => void at.push(clock.monotonicMs()) }, { count: 5, ratePerSecond: 10 }, clock)
    expect(at).toEqual([0, 100, 200, 300, 400])
  })

  it('counts the latency from when a submit was due, so that a stall of the caller is not hidden', async () => {
    const clock = createClock()
    const submit = async () => {
      // The first call blocks the process for a second, in which ten more were due.
      if (clock.monotonicMs() === 0) clock.advance(1_000)
    }
    const { submitMs } = await generate({ submit }, { count: 11, ratePerSecond: 10 }, clock)
    expect(Math.max(...submitMs)).toBe(1_000)
    expect(submitMs.filter(ms => ms > 0)).toHaveLength(10)
  })

  it('counts refusals by their code and goes on', async () => {
    let calls = 0
    const submit = async () => {
      calls += 1
      if (calls === 2) throw new ApiError({ status: 503, code: 'overloaded', detail: 'Too much.' })
    }
    const outcome = await generate({ submit }, { count: 4, ratePerSecond: null })
    expect(outcome).toMatchObject({ submitted: 3, refused: { overloaded: 1 } })
  })

  it('ends where there is no scheduler any more', async () => {
    let calls = 0
    const submit = async () => {
      calls += 1
      throw new Error('gone')
    }
    await expect(generate({ submit }, { count: 1_000_000, ratePerSecond: null })).rejects.toThrow('gone')
    expect(calls).toBeLessThan(1_000)
  })

  it('ends at Ctrl-C with what was measured until then', async () => {
    const controller = new AbortController()
    const submit = async () => controller.abort()
    const { submitted } = await generate({ submit }, { count: 1_000, ratePerSecond: 10, signal: controller.signal })
    expect(submitted).toBe(1)
  })
})

describe('the summary', () => {
  it('counts ends and measures them by the clock of the scheduler', () => {
    const outcome = { submitted: 3, refused: {}, seconds: 2, submitMs: [1, 2, 3] }
    const tasks = [
      sampleTask(),
      sampleTask({ completed_at: '2030-01-01T00:00:10Z', status: 'failed' }),
      sampleTask({ status: 'cancelled', started_at: null, completed_at: '2030-01-01T00:00:01Z' }),
    ]
    expect(summariseLoad('r', outcome, tasks)).toMatchObject({
      submits_per_second: 1.5,
      submit_ms: { p50: 2, p95: 3, p99: 3 },
      ended: {
        completed: 1,
        failed: 1,
        cancelled: 1,
        seconds: 10,
        tasks_per_second: 0.3,
        end_to_end_ms: { p50: 3_500, p95: 10_000 },
      },
    })
  })
})

describe('generate', () => {
  it('waits for the tasks of this run by their label, and prints one object', async () => {
    const labels: unknown[] = []
    const filters: unknown[] = []
    const client = {
      health: async () => ({ status: 'ok' }),
      submit: async (_type: string, _payload: unknown, options: { labels: unknown }) =>
        void labels.push(options.labels),
      bulk: async (options: { dryRun: boolean; filter: unknown }) => {
        filters.push(options)
        return { matched: 2 }
      },
      listAll: async function* () {
        yield sampleTask()
        yield sampleTask()
      },
    } as unknown as Partial<SchedulerClient>
    const { exitCode, out } = await run(['generate', '--count', '2', '--wait', '--json'], { client })
    const summary: { run: string } = JSON.parse(out)
    expect(exitCode).toBe(0)
    expect(summary).toMatchObject({ submitted: 2, ended: { completed: 2 } })
    expect(labels).toEqual([{ generate: summary.run }, { generate: summary.run }])
    expect(filters).toEqual([
      expect.objectContaining({ dryRun: true, filter: expect.objectContaining({ label: `generate:${summary.run}` }) }),
    ])
  })

  it('tells all that is wrong at once', async () => {
    const { exitCode, err } = await run(['generate', '--count', '0', '--rate', 'fast', '--mix', 'ad'])
    expect(exitCode).toBe(2)
    for (const flag of ['--count', '--rate', '--mix']) expect(err).toContain(flag)
  })
})
