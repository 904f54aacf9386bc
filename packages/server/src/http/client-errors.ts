import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { Problem } from '../core/problem.ts'
import { problemBody, problemMediaType } from './problems.ts'

interface ClientError extends Error {
  readonly code?: string
}

/**
 * Answers what Node could not even read as a request, as far as the socket still takes an answer, and closes it. There
 * is no request here, so the id is made for this answer alone.
 */
export function answerClientError(error: ClientError, socket: Socket, requestId: string): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  // A reply under way must not be mixed with another one.
  if (socket.bytesWritten > 0 && Reflect.get(socket, '_httpMessage') != null) {
    socket.destroy()
    return
  }
  const { status, detail } = describe(error.code ?? '')
  const body = JSON.stringify(problemBody(new Problem('request_invalid', detail), requestId, status))
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    `Content-Type: ${problemMediaType}`,
    'X-Content-Type-Options: nosniff',
    'Cache-Control: no-store',
    `X-Request-Id: ${requestId}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  // Not merely ended: who sent this must not hold the other half open.
  socket.destroySoon()
}

/** Node would answer an unknown `Expect` without a body. What follows is not read, so the connection ends. */
export function answerExpectation(response: ServerResponse, requestId: string): void {
  const problem = new Problem('request_invalid', "The only 'Expect' that is met is 100-continue; leave it out.")
  const body = JSON.stringify(problemBody(problem, requestId, 417))
  response.writeHead(417, {
    connection: 'close',
    'content-type': problemMediaType,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'x-request-id': requestId,
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

function describe(code: string): { status: number; detail: string } {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, detail: 'The request was not received in time.' }
    case 'HPE_HEADER_OVERFLOW':
      return { status: 431, detail: 'The request line and headers are larger than 16 KiB.' }
    default:
      return { status: 400, detail: 'The request is no well-formed HTTP/1.1.' }
  }
}
