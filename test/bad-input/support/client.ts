import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'

/** One request as it goes out; nothing in it is checked or mended on the way. */
export interface Sent {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The parsed text where it is JSON, otherwise undefined. */
  readonly body: unknown
}

export interface Client {
  send(request: Sent): Promise<Reply>
  close(): void
}

/** Only a hang takes this long. */
const answerMs = 20_000

/** A client on kept-alive connections, so that what one request leaves behind meets the next. */
export function createClient(port: number): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  return {
    send: request => sendOver(agent, port, request),
    close: () => agent.destroy(),
  }
}

function sendOver(agent: Agent, port: number, { method, path, headers, body }: Sent): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      agent,
      host: '127.0.0.1',
      port,
      method,
      path,
      signal: AbortSignal.timeout(answerMs),
      headers: {
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
        ...headers,
      },
    })
    outgoing.once('error', reject)
    outgoing.once('response', response => {
      const chunks: Buffer[] = []
      // A live stream has no end: what it begins with is its reply.
      if (String(response.headers['content-type']).startsWith('text/event-stream')) {
        response.once('data', (chunk: Buffer) => {
          response.once('error', () => {}).destroy()
          const { statusCode = 0, headers: told } = response
          resolve({ status: statusCode, headers: told, text: chunk.toString('utf8'), body: undefined })
        })
        return
      }
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        const isJson = String(response.headers['content-type']).includes('json')
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          body: isJson && text !== '' ? JSON.parse(text) : undefined,
        })
      })
    })
    outgoing.end(body)
  })
}
