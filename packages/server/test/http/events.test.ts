import { describe, expect, it, onTestFinished } from 'vitest'
import { listen, type Node, startNode, until } from './harness.ts'

interface Told {
  readonly id: string | null
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

interface Reader {
  readonly status: number
  readonly headers: Headers
  readonly events: readonly Told[]
  /** Of this kind. */
  of(event: string): readonly Told[]
  readonly isOver: () => boolean
  close(): void
}

async function read(port: number, query = '', headers: Record<string, string> = {}): Promise<Reader> {
  const controller = new AbortController()
  const reply = await fetch(`http://127.0.0.1:${port}/api/events${query}`, { headers, signal: controller.signal })
  const events: Told[] = []
  let isOver = false
  const done = (async () => {
    let rest = ''
    const decoder = new TextDecoder()
    if (reply.body === null) return
    for await (const chunk of reply.body) {
      rest += decoder.decode(chunk, { stream: true })
      const blocks = rest.split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) events.push(...toEvent(block))
    }
  })()
  done
    .catch(() => {})
    .finally(() => {
      isOver = true
    })
  const close = () => controller.abort()
  onTestFinished(close)
  return {
    status: reply.status,
    headers: reply.headers,
    events,
    of: event => events.filter(told => told.event === event),
    isOver: () => isOver,
    close,
  }
}

function toEvent(block: string): readonly Told[] {
  const fields = new Map(block.split('\n').map(line => [line.split(': ')[0], line.slice(line.indexOf(': ') + 2)]))
  const event = fields.get('event')
  if (event === undefined) return []
  return [{ id: fields.get('id') ?? null, event, data: JSON.parse(fields.get('data') ?? '{}') }]
}

async function start(): Promise<{ readonly node: Node; readonly port: number }> {
  const node = await startNode()
  return { node, port: await listen(node) }
}

function changed(reader: Reader): readonly Readonly<Record<string, unknown>>[] {
  return reader.of('tasks').flatMap(({ data }) => data.changed as readonly Readonly<Record<string, unknown>>[])
}

describe('GET /api/events', () => {
  it('tells a task’s life as it happens, with what is at hand', async () => {
    const { node, port } = await start()
    const reader = await read(port)
    expect(reader.status).toBe(200)
    expect(reader.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(reader.headers.get('cache-control')).toBe('no-store')
    await until(() => reader.of('hello').length === 1)
    const { epoch } = await node.running('a')
    await until(() => changed(reader).some(task => task.status === 'running'))
    const progress = { task_id: 'a', epoch, progress: { percent: 40 } }
    await node.call('POST', '/api/workers/w1/heartbeat', { current_tasks: [progress] })
    await until(() => changed(reader).some(task => task.progress !== undefined))
    const results = [{ task_id: 'a', epoch, outcome: 'completed' }]
    await node.call('POST', '/api/workers/w1/settle', { results })
    await until(() => changed(reader).some(task => task.status === 'completed'))
    expect(changed(reader).find(task => task.status === 'running')).toMatchObject({
      task_id: 'a',
      task_type: 'noop',
      queue: 'default',
      worker_id: 'w1',
      attempt: 1,
    })
    expect(changed(reader).find(task => task.progress !== undefined)).toMatchObject({ progress: { percent: 40 } })
    await until(() => reader.of('stats').some(({ data }) => Object(data.tasks).completed === 1))
    expect(reader.of('workers')[0]?.data).toEqual({ changed: ['w1'], more: 0 })
  })

  it('tells verbs, queues and a failed attempt', async () => {
    const { node, port } = await start()
    const reader = await read(port)
    const { epoch } = await node.running('a')
    const results = [{ task_id: 'a', epoch, outcome: 'failed', error: { message: 'boom' } }]
    await node.call('POST', '/api/workers/w1/settle', { results })
    await until(() => changed(reader).some(task => task.status === 'scheduled'))
    await node.call('POST', '/api/tasks/a/cancel', {})
    await until(() => changed(reader).some(task => task.status === 'cancelled'))
    await node.call('PATCH', '/api/queues/default', { paused: true })
    await until(() => reader.of('queues').length > 0)
    expect(reader.of('queues')[0]?.data).toEqual({ changed: ['default'], more: 0 })
  })

  it('tells alerts by their numbers, and counts changes of rules', async () => {
    const { node, port } = await start()
    const reader = await read(port, '?topics=alerts')
    await until(() => reader.of('hello').length === 1)
    await node.call('POST', '/api/alerts/rules', { name: 'Paused', kind: 'queue_paused', for: 0 })
    await until(() => reader.of('alerts').length === 1)
    expect(reader.of('alerts')[0]?.data).toEqual({ changed: [], more: 1 })
    await node.call('PATCH', '/api/queues/mail', { paused: true })
    await node.call('POST', '/api/tasks', { task_type: 'a', queue: 'mail' })
    await node.engine.alerts.look()
    await until(() => reader.of('alerts').length === 2)
    const { body } = await node.call('GET', '/api/alerts?state=firing,pending')
    const numbers = (body.alerts as readonly { readonly alert_id: number }[]).map(alert => alert.alert_id)
    expect(reader.of('alerts')[1]?.data).toEqual({ changed: numbers.reverse(), more: 0 })
  })

  it('names up to 500 tasks of a flood, and counts the others', async () => {
    const { node, port } = await start()
    const reader = await read(port, '?topics=tasks')
    await until(() => reader.of('hello').length === 1)
    const tasks = Array.from({ length: 900 }, () => ({ task_type: 'x' }))
    await node.call('POST', '/api/tasks/batch', { tasks })
    await until(() => changed(reader).length > 0)
    const [first] = reader.of('tasks')
    expect([changed(reader).length, first?.data.more]).toEqual([500, 400])
    expect(reader.of('stats')).toEqual([])
  })

  it('goes on where a reader stopped, and says where it cannot', async () => {
    const { node, port } = await start()
    const first = await read(port, '?topics=tasks')
    await node.call('POST', '/api/tasks', { task_id: 'a', task_type: 'x' })
    await until(() => changed(first).length === 1)
    first.close()
    await until(first.isOver)
    await node.call('POST', '/api/tasks', { task_id: 'b', task_type: 'x' })
    const lastId = first.of('tasks')[0]?.id ?? ''
    const second = await read(port, '?topics=tasks', { 'last-event-id': lastId })
    await until(() => changed(second).length === 1)
    expect(changed(second)).toMatchObject([{ task_id: 'b' }])
    expect(second.of('reset')).toEqual([])
    for (const id of ['other-1', `${lastId.split('-')[0]}-999`, 'x', '-']) {
      const lost = await read(port, '', { 'last-event-id': id })
      await until(() => lost.of('reset').length === 1)
    }
  })

  it('refuses topics that it does not know', async () => {
    const { node } = await start()
    const answer = await node.call('GET', '/api/events?topics=tasks,gossip')
    expect([answer.status, answer.body.code]).toEqual([422, 'validation_failed'])
  })

  it('ends when the node stops, and refuses more than its bound of one address', async () => {
    const { node, port } = await start()
    const readers = await Promise.all(Array.from({ length: 200 }, () => read(port, '?topics=tasks')))
    const more = await read(port)
    expect(more.status).toBe(503)
    node.app.beginStop()
    await until(() => readers.every(reader => reader.isOver()))
  })
})
