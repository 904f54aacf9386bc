import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { WorkerRuntimeStatus } from '@tasklane/sdk'
import { exitCodes } from './exit-codes.ts'
import { CommandFailure } from './faults.ts'

/**
 * What a worker tells of itself over HTTP, to a supervisor and to Prometheus. It takes nothing, and it tells no payload
 * and no result.
 *
 *   /livez     200 as long as the process answers: restart it otherwise
 *   /health    200 while it is registered, its scheduler answers and it is not stopping, else 503; with the same body
 *   /metrics   counts, in Prometheus' text format
 */
export interface WorkerHttp {
  readonly url: string
  close(): Promise<void>
}

export interface WorkerHttpParts {
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  readonly status: () => WorkerRuntimeStatus
  readonly metrics: () => string
}

/** One supervisor and a scraper or two ask; whoever opens more connections than that waits. */
const connectionsMax = 64

/** @throws CommandFailure where the address cannot be had */
export async function startWorkerHttp({ host, port, status, metrics }: WorkerHttpParts): Promise<WorkerHttp> {
  const server = createServer((request, response) => answer(request, response, status, metrics))
  server.maxConnections = connectionsMax
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => reject(describeListen(error, host, port)))
    server.listen(port, host, resolve)
  })
  // It is told of by address only where a TCP port is listened on, as here.
  const { port: got } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${got}`,
    close: async () => {
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  status: () => WorkerRuntimeStatus,
  metrics: () => string,
): void {
  const path = (request.url ?? '/').replace(/\?.*$/, '').replace(/(?<=.)\/$/, '')
  const reply = (code: number, type: string, text: string): void => {
    response.writeHead(code, { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    response.end(request.method === 'HEAD' ? '' : text)
  }
  const json = (code: number, body: unknown): void => reply(code, 'application/json', JSON.stringify(body))
  const refuse = (code: number, name: string, detail: string): void =>
    reply(code, 'application/problem+json', JSON.stringify({ status: code, code: name, title: detail, detail }))
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    refuse(405, 'method_not_allowed', 'A worker only answers GET and HEAD.')
  } else if (path === '/metrics') reply(200, 'text/plain; version=0.0.4; charset=utf-8', metrics())
  else if (path === '/livez' || path === '/health') {
    const body = healthOf(status())
    json(path === '/health' && body.status !== 'ok' ? 503 : 200, body)
  } else refuse(404, 'not_found', 'A worker answers at /health, /livez and /metrics.')
}

function healthOf(status: WorkerRuntimeStatus) {
  const { state, workerId, isConnected, slots, slotsUsed, settling } = status
  return {
    status: state !== 'running' ? state : isConnected ? 'ok' : 'disconnected',
    worker_id: workerId,
    slots,
    slots_used: slotsUsed,
    settling,
  }
}

function describeListen(error: Error, host: string, port: number): CommandFailure {
  const code = 'code' in error && typeof error.code === 'string' ? error.code.toLowerCase() : 'listen'
  const way =
    code === 'eaddrinuse'
      ? 'Choose another port with --http-port, or 0 for any free one.'
      : 'Choose another address with --http-host, or another port with --http-port.'
  return new CommandFailure(exitCodes.failed, code, `Port ${port} of ${host} cannot be had: ${error.message}. ${way}`)
}
