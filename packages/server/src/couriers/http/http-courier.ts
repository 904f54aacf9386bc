import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import type { Clock } from '../../ports/clock.ts'
import type { Courier, Delivery, Letter } from '../../ports/courier.ts'
import { type AddressGuard, AddressRefused, createAddressGuard } from './address-guard.ts'

/** Name, connection, TLS, request and answer together. */
const withinMs = 10_000
const headerBytesMax = 16_384
/** Of an answer so much is read; a receiver that goes on is hung up on. */
const readBytesMax = 65_536
/** And so much of it is told. */
const toldCharsMax = 1_000

export interface HttpCourierParts {
  readonly clock: Clock
  /** Hosts, addresses and networks that may be gone to although they are not on the internet. */
  readonly allowed: readonly string[]
  /** For tests: what is asked for addresses. */
  readonly guard?: AddressGuard
}

/** Posts by HTTP or HTTPS, a connection for each message, and follows no redirect. */
export function createHttpCourier(parts: HttpCourierParts): Courier {
  const { clock, guard = createAddressGuard(parts.allowed) } = parts
  return Object.freeze<Courier>({
    refusalOf: url => refusalOf(url, guard),
    post: letter => {
      const refusal = refusalOf(letter.url, guard)
      if (refusal !== null) return Promise.resolve({ kind: 'failed', detail: refusal })
      return new Promise(resolve => post(letter, { clock, guard }, resolve))
    },
  })
}

/**
 * What an address says about itself. `net.connect` looks up no host that is an address already, so that one is judged
 * here; the URL's parser has turned decimal, octal and hexadecimal forms into dots before.
 */
function refusalOf(text: string, guard: AddressGuard): string | null {
  if (!URL.canParse(text)) return 'The URL cannot be read; send one such as https://hooks.example/tasks.'
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return `The URL begins with ${url.protocol.slice(0, 40)}; a channel takes http: or https:.`
  }
  if (url.username !== '' || url.password !== '') {
    return 'The URL has a name or a password in it; sign messages by a secret instead.'
  }
  const host = hostOf(url)
  const address = isIP(host) === 0 ? localAddressOf(host) : host
  if (address === null) return null
  const reason = guard.reasonAgainst(address, host)
  return reason === null ? null : new AddressRefused(host, address, reason).message
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}

/** By RFC 6761 these names are loopback, whatever a resolver says. */
function localAddressOf(host: string): string | null {
  const name = host.toLowerCase().replace(/\.$/, '')
  return name === 'localhost' || name.endsWith('.localhost') ? '127.0.0.1' : null
}

interface Road {
  readonly clock: Clock
  readonly guard: AddressGuard
}

function post(letter: Letter, { clock, guard }: Road, done: (delivery: Delivery) => void): void {
  let isDone = false
  const url = new URL(letter.url)
  const body = Buffer.from(letter.body)
  const options: RequestOptions = {
    method: 'POST',
    // No connection is kept: what a name leads to is looked at anew each time.
    agent: false,
    lookup: guard.lookup,
    maxHeaderSize: headerBytesMax,
    headers: { ...letter.headers, 'content-length': String(body.length), connection: 'close' },
  }
  const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options)
  const finish = (delivery: Delivery): void => {
    if (isDone) return
    isDone = true
    cancel()
    done(delivery)
    request.destroy()
  }
  const cancel = clock.after(withinMs, () => {
    finish({ kind: 'failed', detail: `There was no answer within ${withinMs / 1_000} s.` })
  })
  listen(request, finish)
  request.end(body)
}

function listen(request: ClientRequest, finish: (delivery: Delivery) => void): void {
  request.on('error', error => finish({ kind: 'failed', detail: sentenceOf(error) }))
  request.on('response', (response: IncomingMessage) => {
    const status = response.statusCode ?? 0
    const pieces: Buffer[] = []
    let size = 0
    const answered = (): void => {
      const text = Buffer.concat(pieces).toString('utf8')
      finish({ kind: 'answered', status, body: text.slice(0, toldCharsMax) })
    }
    response.on('data', (piece: Buffer) => {
      pieces.push(piece)
      size += piece.length
      // The status is what counts; the rest of what it says is not waited for.
      if (size >= readBytesMax) answered()
    })
    response.on('end', answered)
    response.on('error', error => finish({ kind: 'failed', detail: sentenceOf(error) }))
    response.on('aborted', () =>
      finish({ kind: 'failed', detail: 'The receiver hung up in the middle of its answer.' }),
    )
  })
}

const sentences: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nobody listens there: the connection was refused.',
  ECONNRESET: 'The receiver closed the connection without an answer.',
  ENOTFOUND: 'The name of the host is not known.',
  EAI_AGAIN: 'The name of the host could not be looked up just now.',
  ETIMEDOUT: 'The host did not answer.',
  EHOSTUNREACH: 'The host cannot be reached.',
  ENETUNREACH: 'The network of the host cannot be reached.',
  HPE_HEADER_OVERFLOW: 'The headers of the answer are too large.',
}

function sentenceOf(error: Error): string {
  if (error instanceof AddressRefused) return error.message
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return sentences[code] ?? `The message could not be sent: ${code === '' ? error.message : code}.`
}
