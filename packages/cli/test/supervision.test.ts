import { describe, expect, it } from 'vitest'
import type { Child, ChildExit, ChildOptions } from '../src/child-process.ts'
import { reachableAddress } from '../src/connection.ts'
import { backOffMs, type SupervisionEvent, supervise } from '../src/supervision.ts'

/** Processes that end when the test says so. */
function createProcesses() {
  const running: { end: (exit: ChildExit) => void; signals: string[] }[] = []
  const start = ({ name }: ChildOptions): Child => {
    let end: (exit: ChildExit) => void = () => {}
    const exited = new Promise<ChildExit>(resolve => {
      end = resolve
    })
    const signals: string[] = []
    running.push({ end, signals })
    return {
      name,
      pid: running.length,
      exited,
      isAlive: () => true,
      kill: signal => void signals.push(signal),
      stop: async () => {
        end({ code: 0, signal: null })
        return exited
      },
    }
  }
  return { running, start }
}

function superviseOne(options: { deathsMax?: number; isFarewell?: (exit: ChildExit) => boolean } = {}) {
  const { running, start } = createProcesses()
  const events: SupervisionEvent[] = []
  const sleeps: number[] = []
  let nowMs = 0
  let tellStarted = () => {}
  let tellOver = () => {}
  const over = new Promise<void>(resolve => {
    tellOver = resolve
  })
  const supervised = supervise({
    name: 'w1',
    args: [],
    env: {},
    onLine: () => {},
    onEvent: event => {
      events.push(event)
      if (event.event === 'started') tellStarted()
      if (event.event === 'gave_up' || event.event === 'left') tellOver()
    },
    nowMs: () => nowMs,
    sleep: async ms => void sleeps.push(ms),
    start,
    ...options,
  })
  const die = async (afterMs: number) => {
    nowMs += afterMs
    const restarted = new Promise<void>(resolve => {
      tellStarted = resolve
    })
    running.at(-1)?.end({ code: 1, signal: null })
    await restarted
  }
  return { supervised, events, sleeps, die, running, over }
}

describe('a supervised process', () => {
  it('is started again when it dies, later each time it dies young', async () => {
    const { sleeps, die, supervised } = superviseOne()
    for (let death = 0; death < 7; death += 1) await die(10)
    expect(sleeps).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000])
    await die(60_000)
    expect(sleeps.at(-1)).toBe(500)
    await supervised.stop(0)
  })

  it('is given up after so many young deaths in a row, and a long life begins the count anew', async () => {
    const { die, supervised, events, running, over } = superviseOne({ deathsMax: 3 })
    await die(10)
    await die(10)
    await die(60_000)
    await die(10)
    running.at(-1)?.end({ code: 1, signal: null })
    await over
    await supervised.stop(0)
    expect(events.at(-1)).toEqual({ event: 'gave_up', process: 'w1', exit: { code: 1, signal: null } })
    expect(running).toHaveLength(5)
    expect(supervised.current()).toBeNull()
  })

  it('is not started again after a farewell', async () => {
    const { supervised, events, running, over } = superviseOne({ isFarewell: exit => exit.code === 75 })
    running.at(-1)?.end({ code: 75, signal: null })
    await over
    await supervised.stop(0)
    expect(events.map(event => event.event)).toEqual(['started', 'left'])
    expect(running).toHaveLength(1)
  })

  it('is not started again after it was stopped', async () => {
    const { supervised, running, events } = superviseOne()
    await supervised.stop(0)
    expect(running).toHaveLength(1)
    expect(events.map(event => event.event)).toEqual(['started', 'stopped'])
    expect(supervised.current()).toBeNull()
  })

  it('waits a bounded time, however often it died', () => {
    expect(backOffMs(1)).toBe(500)
    expect(backOffMs(1_000_000)).toBe(15_000)
  })
})

describe('the address of a scheduler', () => {
  it.each([
    ['http://0.0.0.0:8000', 'http://127.0.0.1:8000'],
    ['http://[::]:8000', 'http://[::1]:8000'],
    ['http://10.0.0.5:8000', 'http://10.0.0.5:8000'],
  ])('%s is reached at %s', (url, expected) => {
    expect(reachableAddress(url)).toBe(expected)
  })
})
