import type { IncomingMessage } from 'node:http'
import { createUuidV7 } from '@tasklane/protocol'
import type { Clock } from '../ports/clock.ts'

const sane = /^[A-Za-z0-9._:-]{1,128}$/

/** A caller's own `X-Request-Id` is kept where it is harmless in logs and headers; otherwise one is made. */
export function createRequestIds(clock: Clock): (request: Pick<IncomingMessage, 'headers'>) => string {
  const make = createUuidV7(
    () => clock.now(),
    bytes => clock.fillRandom(bytes),
  )
  return request => {
    const given = request.headers['x-request-id']
    return typeof given === 'string' && sane.test(given) ? given : make()
  }
}

const traceparent = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/

/** A valid W3C `traceparent` header, or null. */
export function readTraceparent(header: unknown): string | null {
  const match = typeof header === 'string' ? traceparent.exec(header) : null
  if (match === null || match[1] === 'ff' || /^0+$/.test(match[2] ?? '') || /^0+$/.test(match[3] ?? '')) return null
  return match[0]
}
