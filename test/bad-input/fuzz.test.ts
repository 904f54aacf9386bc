import { createServer, type RequestListener } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findInconsistency } from './fuzz/consistency.ts'
import { fuzz, tell } from './fuzz/fuzz.ts'
import { createClient } from './support/client.ts'
import { type Document, readDocument } from './support/document.ts'
import { startNode } from './support/node.ts'

const now = () => performance.now()

it('whatever is made by chance from the document, every answer is one that the document names', async () => {
  // A new seed in every run; a failure prints it.
  const seed = Math.floor(Math.random() * 2 ** 32)
  const node = await startNode()
  onTestFinished(() => node.close())
  const document = await readDocument(node)
  const report = await fuzz({
    url: `http://127.0.0.1:${node.port}`,
    client: node,
    document,
    seed,
    requestsMax: 2_500,
    seconds: 10,
    now,
  })
  process.stderr.write(`Fuzzer: seed ${seed}, ${report.requests} requests, ${JSON.stringify(report.statuses)}\n`)
  expect(report.findings, tell(report)).toEqual([])
  expect(await findInconsistency(node), tell(report)).toBe(null)
  // It must get through the door often enough to mean something.
  expect(report.served.length).toBeGreaterThan(document.routes.length / 2)
  const canary = await node.post('/api/tasks', { task_id: 'the-canary', task_type: 'canary' })
  expect(canary.status, tell(report)).toBe(201)
})

it('the same seed sends the same requests', async () => {
  const sent = await Promise.all(
    [1, 1, 2].map(async seed => {
      const paths: string[] = []
      const client = {
        send: async (request: { method: string; path: string; body?: string | Buffer }) => {
          paths.push(`${request.method} ${request.path} ${String(request.body)}`)
          return { status: 404, headers: {}, text: '', body: undefined }
        },
        close: () => undefined,
      }
      await fuzz({ url: '', client, document: tiny, seed, requestsMax: 3, seconds: 60, now })
      return paths
    }),
  )
  expect(sent[0]).toEqual(sent[1])
  expect(sent[0]).not.toEqual(sent[2])
})

describe('the fuzzer bites', () => {
  it('on a call that answers 500 for one value of one field, and shows the smallest request', async () => {
    const report = await fuzzAgainst((body, reply) => {
      if (typeof body.count === 'number' && body.count < 0) return reply(500, { oops: true })
      return reply(200, { id: 'a', count: 1 })
    })
    const finding = report.findings.find(({ fault }) => fault.includes('500'))
    expect(finding?.curl).toMatch(
      /^curl -i --path-as-is -X POST -H 'content-type: application\/json' --data-binary '\{"count":-\d[^,]*\}' 'http/,
    )
  })

  it('on a reply that does not fit the document', async () => {
    const report = await fuzzAgainst((_body, reply) => reply(200, { id: 5, count: 1 }))
    expect(report.findings.map(({ fault }) => fault)).toContain(
      'make: the body of 200 does not fit the document: /id must be string',
    )
  })

  it('on a refusal that is no problem document, on a status that is not named, and on silence', async () => {
    const plain = await fuzzAgainst((_body, reply) => reply(400, { message: 'no' }))
    expect(plain.findings[0]?.fault).toContain('no problem document')
    const foreign = await fuzzAgainst((_body, reply) => reply(202, {}))
    expect(foreign.findings[0]?.fault).toContain('status 202 is not in the document')
    const silent = await fuzzAgainst((_body, _reply, hangUp) => hangUp())
    expect(silent.findings[0]?.fault).toContain('there was no answer')
  })
})

/** A document of one call, `make`, that takes `{count?: number, label?: string}`. */
const tiny: Document = {
  raw: {},
  routes: [
    {
      operationId: 'make',
      tag: 'tasks',
      method: 'POST',
      path: '/make',
      query: [],
      body: { type: 'object', properties: { count: { type: 'number' }, label: { type: 'string' } } },
      replies: new Map([
        [200, { type: 'object', properties: { id: { type: 'string' }, count: { type: 'number' } }, required: ['id'] }],
        [500, null],
      ]),
    },
  ],
}

type Answer = (
  body: Readonly<Record<string, unknown>>,
  reply: (status: number, body: unknown) => void,
  hangUp: () => void,
) => void

async function fuzzAgainst(answer: Answer) {
  const listener: RequestListener = (request, response) => {
    let text = ''
    request.on('data', chunk => {
      text += String(chunk)
    })
    request.on('end', () => {
      const reply = (status: number, body: unknown) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      }
      answer(objectOf(text), reply, () => response.destroy())
    })
  }
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  const client = createClient(address.port)
  onTestFinished(() => client.close())
  const url = `http://127.0.0.1:${address.port}`
  return fuzz({ url, client, document: tiny, seed: 1, requestsMax: 300, seconds: 20, now })
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}
