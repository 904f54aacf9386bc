import { createHmac } from 'node:crypto'

/**
 * What a message is signed with: HMAC-SHA256 over the time of sending, a dot, and the body as it is sent. The time is
 * in it so that a receiver can refuse what somebody recorded and sends again.
 */
export function signatureOf(secret: string, timestamp: string, body: string): string {
  return `v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`
}
