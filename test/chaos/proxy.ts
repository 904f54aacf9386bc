import { createConnection, createServer, type Server, type Socket } from 'node:net'

/**
 * What happens on a link.
 *
 *   pass           everything passes
 *   cut            connections are reset, new ones at once
 *   stall          nothing passes, and nobody is told: connections stay open
 *   requests_only  what the client says passes, what the scheduler says does not; nobody is told
 *   replies_only   the other way round
 *   drop_reply     requests pass and are done; the connection is reset when the reply comes
 *
 * What is held back arrives when the link passes again, unless its connection has gone meanwhile.
 */
export const linkModes = ['pass', 'cut', 'stall', 'requests_only', 'replies_only', 'drop_reply'] as const
export type LinkMode = (typeof linkModes)[number]

/** Reads along what the scheduler takes and what it says, of one connection. */
export interface Tap {
  request(bytes: Buffer): void
  reply(bytes: Buffer): void
}

export interface Link {
  readonly url: string
  setMode(mode: LinkMode): void
  /** How often each fault met a connection. */
  readonly hits: () => number
  close(): Promise<void>
}

/** Held back for one connection at most; beyond, the connection is reset. */
const heldBytesMax = 64 * 1_048_576

/** A TCP proxy on loopback, of one client to one port. */
export async function openLink(targetPort: () => number, createTap: () => Tap): Promise<Link> {
  const pairs = new Set<Pair>()
  let mode: LinkMode = 'pass'
  let hits = 0
  const context: PairContext = {
    mode: () => mode,
    hit: () => {
      hits += 1
    },
    leave: pair => pairs.delete(pair),
  }
  const server = createServer({ allowHalfOpen: true }, client => {
    if (mode === 'cut') {
      hits += 1
      client.on('error', () => {})
      client.resetAndDestroy()
      return
    }
    pairs.add(createPair(client, targetPort(), createTap(), context))
  })
  const port = await listen(server)
  return Object.freeze<Link>({
    url: `http://127.0.0.1:${port}`,
    setMode: next => {
      mode = next
      for (const pair of pairs) pair.modeChanged()
    },
    hits: () => hits,
    close: async () => {
      const closed = new Promise(resolve => server.close(resolve))
      for (const pair of pairs) pair.reset()
      await closed
    },
  })
}

interface PairContext {
  mode(): LinkMode
  hit(): void
  leave(pair: Pair): void
}

interface Pair {
  modeChanged(): void
  reset(): void
}

/** One direction: what was held back, and how it ended. */
interface Way {
  readonly to: Socket
  /** The mode that lets only the other direction pass. */
  readonly heldBy: LinkMode
  readonly held: Buffer[]
  heldBytes: number
  end: 'open' | 'half' | 'gone'
}

function createPair(client: Socket, port: number, tap: Tap, context: PairContext): Pair {
  const scheduler = createConnection({ host: '127.0.0.1', port, allowHalfOpen: true })
  const up: Way = { to: scheduler, heldBy: 'replies_only', held: [], heldBytes: 0, end: 'open' }
  const down: Way = { to: client, heldBy: 'requests_only', held: [], heldBytes: 0, end: 'open' }
  const isHeld = (way: Way): boolean => context.mode() === 'stall' || context.mode() === way.heldBy
  const pair: Pair = {
    modeChanged: () => {
      if (context.mode() === 'cut') {
        context.hit()
        pair.reset()
        return
      }
      for (const way of [up, down]) if (!isHeld(way)) release(way)
    },
    reset: () => {
      context.leave(pair)
      for (const socket of [client, scheduler]) if (!socket.destroyed) socket.resetAndDestroy()
    },
  }

  function carry(way: Way, bytes: Buffer): void {
    if (!isHeld(way)) {
      send(way, bytes)
      return
    }
    context.hit()
    way.held.push(bytes)
    way.heldBytes += bytes.length
    if (way.heldBytes > heldBytesMax) pair.reset()
  }

  function send(way: Way, bytes: Buffer): void {
    // What the scheduler takes is read when it is handed over; what it says, when it says it.
    if (way === up) tap.request(bytes)
    if (way.to.writable) way.to.write(bytes)
  }

  function release(way: Way): void {
    for (const bytes of way.held.splice(0)) send(way, bytes)
    way.heldBytes = 0
    if (way.end === 'half') way.to.end()
    if (way.end === 'gone') pair.reset()
  }

  /** An end travels like the bytes before it. */
  function endOf(way: Way, end: 'half' | 'gone'): void {
    if (way.end === 'gone') return
    way.end = end
    if (!isHeld(way)) release(way)
  }

  client.on('data', bytes => carry(up, bytes))
  follow(client, end => endOf(up, end))
  scheduler.on('data', bytes => {
    tap.reply(bytes)
    if (context.mode() === 'drop_reply') {
      context.hit()
      pair.reset()
    } else carry(down, bytes)
  })
  follow(scheduler, end => endOf(down, end))
  return pair
}

/** Tells how a socket's side of the conversation ends. An error is always followed by `close`. */
function follow(socket: Socket, onEnd: (end: 'half' | 'gone') => void): void {
  socket.setNoDelay(true)
  socket.on('end', () => onEnd('half'))
  socket.on('close', () => onEnd('gone'))
  socket.on('error', () => {})
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('A TCP server has a port.'))
      else resolve(address.port)
    })
  })
}
