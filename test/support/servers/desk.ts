import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'

/**
 * Where the test files of one run get what they share. The process that starts the run opens the desk; the first who
 * asks for something makes it be found, installed or started, there; everybody gets the same answer. Nobody asks: nothing
 * is started.
 */
export interface Desk {
  close(): Promise<void>
}

/** What can be had, by name. Answers are JSON. */
export type Offers = Readonly<Record<string, () => Promise<Offered>>>

export interface Offered {
  readonly answer: unknown
  close?(): Promise<void>
}

const variable = 'TASKLANE_TEST_DESK'

/** Opens a desk that processes started from now on know of. */
export async function openDesk(offers: Offers): Promise<Desk> {
  const counter = createCounter(offers)
  // Whoever else is on this machine does not know the word.
  const word = `/${randomBytes(16).toString('hex')}/`
  const server = createServer((request, response) => {
    const reply = (status: number, body: unknown): void => {
      // A connection that is kept would be closed by the time at which a busy test asks for the next thing.
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(body))
    }
    const name = request.url?.startsWith(word) === true ? request.url.slice(word.length) : ''
    counter.ask(name).then(
      answer => reply(200, answer),
      (error: unknown) => reply(500, error instanceof Error ? error.message : String(error)),
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port.')
  process.env[variable] = `http://127.0.0.1:${address.port}${word}`
  return Object.freeze<Desk>({
    close: async () => {
      if (!server.listening) return
      delete process.env[variable]
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
      await counter.close()
    },
  })
}

/** Answers from the desk of the run; without one, such as in a bench, from this process. */
export async function ask(offers: Offers, name: string): Promise<unknown> {
  const desk = process.env[variable]
  if (desk === undefined) return counterHere(offers).ask(name)
  const reply = await fetch(desk + name)
  const body: unknown = await reply.json()
  if (!reply.ok) throw new Error(String(body))
  return body
}

interface Counter {
  ask(name: string): Promise<unknown>
  close(): Promise<void>
}

function createCounter(offers: Offers): Counter {
  const given = new Map<string, Promise<Offered>>()
  return {
    ask: async name => {
      const offer = offers[name]
      if (offer === undefined) throw new Error(`Nobody offers '${name}'.`)
      const before = given.get(name)
      const now = before ?? offer()
      if (before === undefined) given.set(name, now)
      return (await now).answer
    },
    close: async () => {
      const all = await Promise.allSettled([...given.values()])
      for (const each of all) if (each.status === 'fulfilled') await each.value.close?.()
    },
  }
}

const countersHere = new Map<Offers, Counter>()

/** What it gives is closed with this process. */
function counterHere(offers: Offers): Counter {
  const counter = countersHere.get(offers) ?? createCounter(offers)
  countersHere.set(offers, counter)
  return counter
}
