import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Letter {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A server of one test, on a port of its own, that keeps what it is sent. */
export interface Receiver {
  readonly url: string
  readonly letters: readonly Letter[]
  close(): void
}

/** @param answer what each request gets, once it is there */
export async function startReceiver(answer: () => string | Promise<string>): Promise<Receiver> {
  const letters: Letter[] = []
  const server = createServer((request, reply) => {
    const received = async () => {
      letters.push({ headers: request.headers, body: await text(request) })
      reply.end(await answer())
    }
    // Whoever breaks off gets no answer.
    received().catch(() => reply.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // What listens on a port has one.
  return {
    url: `http://127.0.0.1:${port}/`,
    letters,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
