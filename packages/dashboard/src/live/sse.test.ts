import { describe, expect, it } from 'vitest'
import { parseEvent, readEvents, type StreamEvent } from './sse.ts'

async function eventsOf(...pieces: string[]): Promise<StreamEvent[]> {
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(encoder.encode(piece))
      controller.close()
    },
  })
  const events: StreamEvent[] = []
  for await (const event of readEvents(body)) events.push(event)
  return events
}

describe('a stream of events', () => {
  it('is read event by event, however the network cuts it', async () => {
    const text = 'id: 7\nevent: tasks\ndata: {"a":1}\n\n: still here\n\nevent: stats\ndata: {}\n\n'
    const whole = await eventsOf(text)
    expect(whole).toEqual([
      { id: '7', event: 'tasks', data: '{"a":1}' },
      { id: null, event: 'stats', data: '{}' },
    ])
    expect(await eventsOf(...text)).toEqual(whole)
  })

  it('may end its lines with CR LF, cut between the two', async () => {
    expect(await eventsOf('data: 1\r', '\n\r', '\ndata: 2\r\n\r\n')).toEqual([
      { id: null, event: 'message', data: '1' },
      { id: null, event: 'message', data: '2' },
    ])
  })

  it('leaves out what was cut off by its end', async () => {
    expect(await eventsOf('data: 1\n\ndata: 2\n')).toHaveLength(1)
  })

  it('joins several lines of data, and has no event without data', () => {
    expect(parseEvent('data: a\ndata: b')?.data).toBe('a\nb')
    expect(parseEvent('event: hello')).toBeNull()
  })
})
