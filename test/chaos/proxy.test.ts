import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../support/processes.ts'
import type { VerdictSeen } from './model.ts'
import { type Link, openLink, type Tap } from './proxy.ts'
import { createSettleTap } from './tap.ts'

/** One end of a connection, and what came out of it. */
interface End {
  readonly socket: Socket
  text(): string
  readonly closed: Promise<string>
}

let server: Server
let accepted: End[]
let link: Link
let tap: Tap
const clients: Socket[] = []

beforeEach(async () => {
  accepted = []
  tap = { request: () => {}, reply: () => {} }
  server = createServer({ allowHalfOpen: true }, socket => accepted.push(watch(socket)))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  link = await openLink(
    () => port,
    () => tap,
  )
})

afterEach(async () => {
  for (const socket of [...clients.splice(0), ...accepted.map(end => end.socket)]) socket.destroy()
  await link.close()
  await new Promise(resolve => server.close(resolve))
})

function watch(socket: Socket): End {
  let text = ''
  socket.setEncoding('utf8').on('data', some => {
    text += String(some)
  })
  const closed = new Promise<string>(resolve => {
    let why = 'closed'
    socket.on('error', (error: NodeJS.ErrnoException) => {
      why = error.code ?? error.message
    })
    socket.on('close', () => resolve(why))
  })
  return { socket, text: () => text, closed }
}

function open(): End {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(link.url).port), allowHalfOpen: true })
  clients.push(socket)
  return watch(socket)
}

/** A connection on which a word went both ways. */
async function openBoth(): Promise<{ readonly client: End; readonly scheduler: End }> {
  const client = open()
  client.socket.write('hello ')
  const scheduler = await until(
    () => accepted[0],
    end => end?.text() === 'hello ',
    () => 'the first word to arrive',
  )
  if (scheduler === undefined) throw new Error('nobody was accepted')
  scheduler.socket.write('welcome ')
  await reads(client, 'welcome ')
  return { client, scheduler }
}

function reads(end: End, text: string): Promise<string> {
  return until(
    () => end.text(),
    got => got === text,
    () => `'${text}' to arrive`,
  )
}

function holdsBack(hits: number): Promise<number> {
  return until(
    () => link.hits(),
    count => count >= hits,
    () => 'the link to hold something back',
  )
}

describe('a link', () => {
  it('passes both ways, and ends as either side ends', async () => {
    const { client, scheduler } = await openBoth()
    client.socket.end('bye')
    await reads(scheduler, 'hello bye')
    scheduler.socket.end('bye bye')
    await reads(client, 'welcome bye bye')
    expect(await client.closed).toBe('closed')
    expect(await scheduler.closed).toBe('closed')
    expect(link.hits()).toBe(0)
  })

  it('resets what is open when it is cut, and what is opened afterwards', async () => {
    const { client, scheduler } = await openBoth()
    link.setMode('cut')
    expect(await client.closed).toBe('ECONNRESET')
    expect(await scheduler.closed).toBe('ECONNRESET')
    expect(await open().closed).toBe('ECONNRESET')
    expect(accepted).toHaveLength(1)
  })

  it('passes nothing in a stall, tells nobody, and passes all of it afterwards', async () => {
    const { client, scheduler } = await openBoth()
    link.setMode('stall')
    client.socket.write('there?')
    scheduler.socket.write('anybody?')
    await holdsBack(2)
    expect([client.text(), scheduler.text()]).toEqual(['welcome ', 'hello '])
    expect([client.socket.destroyed, scheduler.socket.destroyed]).toEqual([false, false])
    link.setMode('pass')
    await reads(scheduler, 'hello there?')
    await reads(client, 'welcome anybody?')
  })

  it('passes requests only', async () => {
    const { client, scheduler } = await openBoth()
    link.setMode('requests_only')
    scheduler.socket.write('late')
    await holdsBack(1)
    client.socket.write('early')
    await reads(scheduler, 'hello early')
    expect(client.text()).toBe('welcome ')
    link.setMode('pass')
    await reads(client, 'welcome late')
  })

  it('passes replies only', async () => {
    const { client, scheduler } = await openBoth()
    link.setMode('replies_only')
    client.socket.write('late')
    await holdsBack(1)
    scheduler.socket.write('early')
    await reads(client, 'welcome early')
    expect(scheduler.text()).toBe('hello ')
    link.setMode('pass')
    await reads(scheduler, 'hello late')
  })

  it('lets the request be done and drops its reply', async () => {
    const { client, scheduler } = await openBoth()
    link.setMode('drop_reply')
    client.socket.write('do it')
    await reads(scheduler, 'hello do it')
    scheduler.socket.write('done')
    expect(await client.closed).toBe('ECONNRESET')
    expect(client.text()).toBe('welcome ')
    expect(await scheduler.closed).toBe('ECONNRESET')
  })

  it('holds back the end of a connection as it does its bytes', async () => {
    const { client, scheduler } = await openBoth()
    link.setMode('stall')
    client.socket.resetAndDestroy()
    await client.closed
    expect(scheduler.socket.destroyed).toBe(false)
    link.setMode('pass')
    expect(await scheduler.closed).toBe('ECONNRESET')
  })

  it('tells what the scheduler said of a settle, even where the reply was dropped', async () => {
    const verdicts: VerdictSeen[] = []
    tap = createSettleTap({
      onVerdict: verdict => verdicts.push(verdict),
      onUnreadable: why => {
        throw new Error(why)
      },
    })
    link.setMode('drop_reply')
    const client = open()
    const body = JSON.stringify({ results: [{ task_id: 't', epoch: 3, outcome: 'completed', result: 'é' }] })
    const head = `POST /api/workers/w%3A1/settle HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`
    client.socket.write(head + body.slice(0, 20))
    client.socket.write(body.slice(20))
    const scheduler = await until(
      () => accepted[0],
      end => end?.text().endsWith('}]}') === true,
      () => 'the settle to arrive',
    )
    const reply = JSON.stringify({ results: [{ task_id: 't', verdict: 'applied' }] })
    scheduler?.socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${reply.length}\r\n\r\n${reply}`)
    expect(await client.closed).toBe('ECONNRESET')
    expect(verdicts).toMatchObject([{ worker: 'w:1', task: 't', epoch: 3, outcome: 'completed', verdict: 'applied' }])
    expect(client.text()).toBe('')
  })
})
