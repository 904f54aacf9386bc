import { readFileSync, statSync } from 'node:fs'
import type { Server } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import { Problem } from '../../core/problem.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/log.ts'
import { problemBody, problemMediaType } from '../problems.ts'
import type { TlsPair } from './edge-settings.ts'

export interface TlsFiles {
  readonly cert: string
  readonly key: string
}

/** The pair cannot be used; the sentence names the file. */
export class TlsError extends Error {
  override readonly name = 'TlsError'
}

export const tlsVersionMin = 'TLSv1.2'

/** Reads the pair and sees that the key belongs to the certificate. @throws TlsError */
export function readTlsPair(files: TlsFiles): TlsPair {
  const pair = { cert: readPart('certificate', files.cert), key: readPart('key', files.key) }
  try {
    createSecureContext({ ...pair, minVersion: tlsVersionMin })
  } catch (error) {
    throw new TlsError(
      `The certificate in ${files.cert} and the key in ${files.key} cannot be used together: ${messageOf(error)}. Both are PEM, the key without a passphrase.`,
    )
  }
  return pair
}

function readPart(what: string, file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new TlsError(`The ${what} for TLS cannot be read: ${messageOf(error)}.`)
  }
}

/** Looked at, not watched: links are swapped and files renamed in as many ways as there are tools for certificates. */
const lookMs = 5_000

/** Takes up a new pair when the files change; a broken one is told in the log, and the old one stays. Returns how to stop. */
export function followTlsFiles(
  server: Server,
  files: TlsFiles,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): () => void {
  let seen = stampOf(files)
  const look = (): void => {
    const now = stampOf(files)
    if (now !== seen) {
      seen = now
      takeUp(server, files, log)
    }
    cancel = clock.after(lookMs, look)
  }
  let cancel = clock.after(lookMs, look)
  return () => cancel()
}

function takeUp(server: Server, files: TlsFiles, log: Log): void {
  if (!(server instanceof HttpsServer)) return
  try {
    server.setSecureContext({ ...readTlsPair(files), minVersion: tlsVersionMin })
    log.info({ cert: files.cert }, 'The new certificate is in use.')
  } catch (error) {
    log.error({ cert: files.cert }, `The certificate has changed, and the old one stays in use. ${messageOf(error)}`)
  }
}

/** What changes when either file does. A file that is just being replaced may be gone for a moment. */
function stampOf(files: TlsFiles): string {
  const stamps = [files.cert, files.key].map(file => {
    const stat = statSync(file, { throwIfNoEntry: false })
    return stat === undefined ? 'gone' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`
  })
  return stamps.join(', ')
}

/**
 * Somebody speaks HTTP to a port of HTTPS: told so in words they can read, on the connection below TLS.
 * @returns whether it was that
 */
export function answerPlainHttp(error: { readonly code?: string }, socket: Socket, requestId: string): boolean {
  if (error.code !== 'ERR_SSL_HTTP_REQUEST') return false
  // Not in the types: what a TLS socket of a server was made of. It takes bytes until the handler of this event returns.
  const below: unknown = Reflect.get(socket, '_parent')
  if (!isSocket(below) || !below.writable) return false
  const problem = new Problem('request_invalid', 'This port speaks HTTPS; write https:// instead of http://.')
  const text = JSON.stringify(problemBody(problem, requestId))
  const head = [
    'HTTP/1.1 400 Bad Request',
    'Connection: close',
    `Content-Type: ${problemMediaType}`,
    'X-Content-Type-Options: nosniff',
    `Content-Length: ${Buffer.byteLength(text)}`,
  ]
  below.write(`${head.join('\r\n')}\r\n\r\n${text}`)
  below.destroySoon()
  return true
}

function isSocket(value: unknown): value is Socket {
  return typeof value === 'object' && value !== null && 'destroySoon' in value && 'write' in value
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
