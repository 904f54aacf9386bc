import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStage, type Stage } from '../support/processes.ts'
import { type Client, createClient, type Sent } from './support/client.ts'
import { codeOf } from './support/expect-answer.ts'
import { dial, firstReply } from './support/raw.ts'

/**
 * A node in a process of its own, as it is started in production: its memory is nobody else's, and its log is what comes
 * out of standard error.
 */
let stage: Stage
let client: Client
let port: number
let pid: number
let stderr: () => string
beforeAll(async () => {
  stage = createStage()
  const { url, running } = await stage.scheduler({ env: { LOG_LEVEL: 'debug', HEARTBEAT_INTERVAL: '300' } })
  port = Number(new URL(url).port)
  client = createClient(port)
  pid = running.pid
  stderr = running.stderr
})
afterAll(async () => {
  client.close()
  await stage.close()
})

const post = (path: string, body: string | object, rest: Partial<Sent> = {}) =>
  client.send({ method: 'POST', path, body: typeof body === 'string' ? body : JSON.stringify(body), ...rest })

/** Resident memory in MiB. */
function residentMiB(): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1_024
}

async function expectCanary(): Promise<void> {
  const reply = await post('/api/tasks', { task_id: 'canary', task_type: 'canary' })
  expect(reply.status, reply.text).toBeLessThan(202)
}

/**
 * Work that is the same every time. Garbage of the first rounds is let grow; later ones must fit into the same room. A heap
 * that is swept late may need more room once or twice; a leak takes it in every window.
 */
async function expectFlat(rounds: number, round: () => Promise<void>): Promise<void> {
  for (let at = 0; at < warmRounds; at += 1) await round()
  const grown: number[] = []
  for (let window = 0; window < windowsMax; window += 1) {
    const before = residentMiB()
    for (let at = 0; at < rounds; at += 1) await round()
    grown.push(residentMiB() - before)
    if ((grown.at(-1) ?? 0) < growthMiBMax) break
  }
  expect(grown.at(-1), `resident memory grew by ${grown.map(Math.round).join(', ')} MiB`).toBeLessThan(growthMiBMax)
  await expectCanary()
}
const windowsMax = 3
const warmRounds = 2
/** Seen is at most 35; what each test would keep if it leaked is far more. */
const growthMiBMax = 100

describe('memory stays flat', () => {
  it('under bodies beyond the bound, of which no more than 16 MiB is ever read', async () => {
    // Each round offers 400 MB, of which 16 MiB four times are read: kept, they would be 256 MiB.
    await expectFlat(4, async () => {
      for (let at = 0; at < 4; at += 1) expect(await offer(100 * 1_048_576)).toBeLessThan(32 * 1_048_576)
    })
  })

  it('under a log line and a result of 100 MB, refused by their declared length, unread', async () => {
    for (const path of ['/api/workers/w1/logs', '/api/workers/w1/settle']) {
      const line = dial(port)
      line.socket.write(
        `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n{`,
      )
      const reply = firstReply(await line.closed())
      expect(reply.status).toBe(413)
      expect(codeOf(reply)).toBe('payload_too_large')
    }
    await expectCanary()
  })

  it('under long texts in every place, deep nesting, and 100,000 names', async () => {
    const [huge, long] = [10_000_000, 2_000_000].map(length => JSON.stringify('x'.repeat(length)))
    const bodies = [
      `{"task_type":"a","name":${huge}}`,
      `{"task_type":${long}}`,
      `{"task_type":"a","payload":${long}}`,
      `{"task_type":"a",${long}:1}`,
      `{"task_type":"a","payload":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`,
      `{"task_type":"a","labels":{${names(100_000)}}}`,
    ]
    // 20 MB a round.
    await expectFlat(8, async () => {
      for (const body of bodies) {
        const reply = await post('/api/tasks', body)
        expect([413, 422], reply.text.slice(0, 200)).toContain(reply.status)
        expect(reply.text.length).toBeLessThan(5_000)
      }
    })
  })

  it('under a million names in one body, which is refused before any of them is kept', async () => {
    const many = `{${names(1_000_000)}}`
    const bodies = [
      ['/api/tasks', `{"task_type":"a","labels":${many}}`],
      ['/api/tasks', many],
      ['/api/tasks/batch', `{"tasks":[{"task_type":"a","payload":${many}}]}`],
      ['/api/workers/w1/settle', `{"results":[],"more":${many}}`],
      ['/api/workers/w1/heartbeat', `{"system_info":${many}}`],
    ] as const
    // 60 MB a round; parsed, each body would take twice its size for its names alone.
    await expectFlat(3, async () => {
      for (const [path, body] of bodies) {
        const reply = await post(path, body)
        expect(codeOf(reply)).toBe('text_invalid')
        expect(reply.text).toContain('150,000 names')
      }
    })
  })

  it('under connections that are opened and dropped', async () => {
    await expectFlat(10, async () => {
      const lines = Array.from({ length: 300 }, () => dial(port))
      for (const { socket } of lines)
        socket.write('POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{')
      await expectCanary()
      for (const { socket } of lines) socket.destroy()
    })
  })

  it(`under ${registrations()} registrations of one worker after another`, async () => {
    await registerMany('warm', 200, () => 'same')
    const before = residentMiB()
    await registerMany('other', registrations(), at => `other-${at}`)
    // Workers are rows of the store; a node holds little of them in memory.
    expect(residentMiB() - before).toBeLessThan(40 + (registrations() * 2_048) / 1_048_576)
    await expectCanary()
  }, 600_000)
})

describe('the log', () => {
  it('is one JSON object a line, whatever names, paths and headers hold, and holds no credentials', async () => {
    const secret = 'canary-4d7a9f0c'
    const headers = { authorization: `Bearer ${secret}`, cookie: `session=${secret}`, 'x-api-key': secret }
    const evil = '\u001b[31m\u0007\r\n{"level":60,"msg":"forged"}\u2028\u202e'
    await client.send({ method: 'GET', path: `/api/tasks/${encodeURIComponent(evil)}`, headers })
    await client.send({ method: 'GET', path: `/api/tasks?q=${encodeURIComponent(evil)}`, headers })
    await post(
      '/api/tasks',
      { task_type: 'a', name: evil, description: evil, labels: { [evil.slice(0, 20)]: evil } },
      { headers },
    )
    await post('/api/tasks', { task_type: evil }, { headers })
    await post('/api/workers/register', { worker_id: 'w1', capabilities: ['*'], instance: evil }, { headers })
    await post('/api/workers/w1/heartbeat', { status: evil, system_info: { [evil]: evil } }, { headers })
    await post('/api/tasks/canary/cancel', { reason: evil }, { headers })
    await post('/api/workers/w1/settle', 'no JSON \u001b[31m', { headers: { ...headers, 'x-request-id': 'plain' } })
    await expectCanary()
    const lines = stderr().trimEnd().split('\n')
    expect(lines.length).toBeGreaterThan(8)
    for (const line of lines) {
      expect(line).toMatch(/^\{.*\}$/)
      expect(Object(JSON.parse(line)).msg).not.toBe('forged')
      // No byte that a terminal would obey.
      expect(line).not.toMatch(/[\u0000-\u001f\u007f]/)
      expect(line).not.toContain(secret)
    }
    expect(lines.some(line => line.includes('"request_id":"plain"'))).toBe(true)
  })

  it('tells no fault of our own after all of this', () => {
    const faults = stderr()
      .trimEnd()
      .split('\n')
      .filter(line => Object(JSON.parse(line)).level >= 40)
    expect(faults).toEqual([])
  })
})

/** Each is a commit of its own, so that 100,000 take minutes: `BAD_INPUT_REGISTRATIONS=100000` has them. */
function registrations(): number {
  return Number(process.env.BAD_INPUT_REGISTRATIONS ?? 1_500)
}

async function registerMany(what: string, count: number, nameOf: (at: number) => string): Promise<void> {
  let next = 0
  const register = async () => {
    while (next < count) {
      const at = next
      next += 1
      const reply = await post('/api/workers/register', {
        worker_id: nameOf(at),
        capabilities: ['a'],
        instance: `${what}${at}`,
      })
      expect(reply.status, reply.text).toBe(201)
    }
  }
  await Promise.all(Array.from({ length: 8 }, register))
}

function names(count: number): string {
  return Array.from({ length: count }, (_, at) => `"k${at}":0`).join(',')
}

/** Sends chunks until the node stops reading; returns how many bytes it took. */
async function offer(bytes: number): Promise<number> {
  const line = dial(port)
  line.socket.write(
    'POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
  )
  for (let sent = 0; sent < bytes && !line.isClosed() && !line.text().includes('413'); sent += chunkBytes) {
    if (line.socket.write(chunk)) continue
    await new Promise<void>(resolve => {
      const goOn = () => {
        line.socket.off('drain', goOn).off('close', goOn)
        resolve()
      }
      line.socket.on('drain', goOn).on('close', goOn)
    })
  }
  await line.closed()
  return line.socket.bytesWritten
}

const chunkBytes = 1_048_576
const chunk = Buffer.from(`${chunkBytes.toString(16)}\r\n${' '.repeat(chunkBytes)}\r\n`)
