import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { until } from '../../support/processes.ts'
import type { Reply } from './client.ts'

/** A bare connection: what it received so far, and whether it has ended. */
export interface Line {
  readonly socket: Socket
  text(): string
  isClosed(): boolean
  /** Waits until the other side has closed. */
  closed(): Promise<string>
  /** Waits until this text has come. */
  has(part: string): Promise<string>
}

export function dial(port: number): Line {
  let text = ''
  let isClosed = false
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.setEncoding('latin1')
  socket.on('data', chunk => {
    text += String(chunk)
  })
  // A reset is an end like any other here.
  socket.on('error', () => undefined)
  socket.on('close', () => {
    isClosed = true
  })
  onTestFinished(() => void socket.destroy())
  return {
    socket,
    text: () => text,
    isClosed: () => isClosed,
    closed: async () => {
      await until(
        () => isClosed,
        Boolean,
        () => 'the connection to be closed',
      )
      return text
    },
    has: async part => {
      await until(
        () => text.includes(part),
        Boolean,
        () => `'${part}' to arrive; so far: ${text.slice(0, 300)}`,
      )
      return text
    },
  }
}

/** Sends these bytes on a connection of their own and returns all that comes until the node closes it. */
export async function exchange(port: number, bytes: string | Buffer): Promise<string> {
  const line = dial(port)
  line.socket.write(bytes)
  return line.closed()
}

/** The first answer in what came; its body by Content-Length. */
export function firstReply(text: string): Reply {
  const end = text.indexOf('\r\n\r\n')
  const [start = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = Object.fromEntries(
    lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  const length = Number(headers['content-length'] ?? 0)
  const raw = Buffer.from(text.slice(end + 4, end + 4 + length), 'latin1').toString('utf8')
  const isJson = String(headers['content-type']).includes('json')
  return {
    status: Number(start.split(' ')[1]),
    headers,
    text: raw,
    body: isJson && raw !== '' ? JSON.parse(raw) : undefined,
  }
}

export function statusesOf(text: string): readonly number[] {
  return [...text.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map(match => Number(match[1]))
}
