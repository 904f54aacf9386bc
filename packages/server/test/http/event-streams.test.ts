import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { openPrincipal, type Principal } from '../../src/core/access.ts'
import { taskId } from '../../src/core/task.ts'
import type { Engine, News } from '../../src/engine/engine.ts'
import { topics } from '../../src/http/events/event-text.ts'
import { createStreams, type Streams } from '../../src/http/events/streams.ts'
import type { Log } from '../../src/ports/log.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

/** The reply of a reader that takes what it is given, or leaves it lying. */
class Reply extends EventEmitter {
  text = ''
  destroyed = false
  writableEnded = false
  writableLength = 0
  isSlow = false
  write(text: string): boolean {
    if (this.isSlow) this.writableLength += text.length
    else this.text += text
    return !this.isSlow
  }
  end(): void {
    this.writableEnded = true
    this.emit('close')
  }
  /** It reads again, and has taken all there was. */
  drain(): void {
    this.isSlow = false
    this.writableLength = 0
    this.emit('drain')
  }
}

const submitter: Principal = { ...openPrincipal, kind: 'user', name: 'anna', role: 'submitter' }

function start() {
  const clock = createVirtualClock()
  const watchers = new Set<(news: News) => void>()
  const engine: Pick<Engine, 'watch' | 'submittersOf'> = {
    watch: watcher => {
      watchers.add(watcher)
      return () => void watchers.delete(watcher)
    },
    submittersOf: async ids => ids.map(id => ({ id, submittedBy: id.startsWith('anna') ? 'anna' : 'bert' })),
  }
  const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
  // Streams ask nothing else of an engine.
  const streams = createStreams({ engine: engine as Engine, clock, log: silent })
  const tell = (...ids: readonly string[]) => {
    const changes = ids.map(id => ({ id: taskId(id), state: 'completed' as const }))
    for (const watcher of watchers) watcher({ kind: 'tasks', changes, others: 0 })
  }
  return { clock, streams, watchers, tell }
}

function open(streams: Streams, more: Partial<Parameters<Streams['open']>[0]> = {}): Reply {
  const reply = new Reply()
  streams.open({
    response: reply as unknown as ServerResponse, // Streams use no more of it than this.
    address: '10.0.0.1',
    principal: openPrincipal,
    topics: new Set(topics),
    lastId: null,
    stats: async () => ({ total: 1 }),
    isStillWelcome: () => true,
    ...more,
  })
  return reply
}

describe('live streams', () => {
  it('drop what a slow reader does not take, and tell it to begin anew when it reads again', async () => {
    const { clock, streams, tell } = start()
    const [slow, quick] = [open(streams), open(streams)]
    slow.isSlow = true
    const big = Array.from({ length: 400 }, (_, at) => `${'x'.repeat(100)}${at}`)
    for (let round = 0; round < 50; round += 1) {
      tell(...big)
      await clock.advance(250)
    }
    expect(slow.writableLength).toBeLessThan(2 * 262_144)
    expect(quick.text.split('event: tasks')).toHaveLength(51)
    slow.drain()
    expect(slow.text).toContain('event: reset\ndata: {"reason":"slow_reader"}')
    tell('a')
    await clock.advance(250)
    expect(slow.text).toContain('"task_id":"a"')
  })

  it('gather what changes, and tell it four times a second at most', async () => {
    const { clock, streams, tell } = start()
    const reply = open(streams)
    for (let ms = 0; ms < 1_000; ms += 10) {
      tell('a', `b${ms}`)
      await clock.advance(10)
    }
    expect(reply.text.split('event: tasks').length - 1).toBeLessThanOrEqual(4)
    expect(reply.text.split('"task_id":"a"').length - 1).toBeLessThanOrEqual(4)
  })

  it('tell a submitter of its own tasks only, and that something changed', async () => {
    const { clock, streams, tell } = start()
    const reply = open(streams, { principal: submitter })
    tell('anna-1', 'bert-1')
    await clock.advance(250)
    await clock.rest()
    expect(reply.text).toContain('"task_id":"anna-1"')
    await clock.advance(2_000)
    expect(reply.text).not.toContain('bert')
    expect(reply.text).not.toContain('event: stats')
  })

  it('end within moments where the caller is no longer welcome', async () => {
    const { clock, streams } = start()
    let isWelcome = true
    const reply = open(streams, { isStillWelcome: () => isWelcome })
    await clock.advance(5_000)
    expect(reply.writableEnded).toBe(false)
    isWelcome = false
    await clock.advance(1_000)
    await clock.rest()
    expect([reply.writableEnded, streams.count()]).toEqual([true, 0])
  })

  it('break a long silence, and are no cost once nobody has listened for a minute', async () => {
    const { clock, streams, watchers } = start()
    const reply = open(streams)
    await clock.advance(15_000)
    expect(reply.text).toContain(': still here')
    for (let round = 0; round < 1_000; round += 1) open(streams, { address: `10.0.${round}` }).end()
    expect([streams.count(), watchers.size]).toEqual([1, 1])
    reply.end()
    await clock.advance(59_000)
    expect(watchers.size).toBe(1)
    await clock.advance(3_000)
    expect(watchers.size).toBe(0)
    expect(reply.text).not.toContain('undefined')
  })
})
