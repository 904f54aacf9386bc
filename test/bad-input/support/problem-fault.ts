import { problems } from '@tasklane/protocol'
import type { Reply } from './client.ts'

/** What is wrong with this refusal, or null. */
export function problemFault({ status, headers, text }: Pick<Reply, 'status' | 'headers' | 'text'>): string | null {
  if (headers['content-type'] !== 'application/problem+json; charset=utf-8') {
    return `its Content-Type is ${headers['content-type']}`
  }
  const body = Object(parsed(text))
  if (typeof body.code !== 'string' || !Object.hasOwn(problems, body.code)) return `its code is ${body.code}`
  if (body.type !== `urn:tasklane:problem:${body.code}`) return `its type is ${body.type}`
  if (typeof body.title !== 'string' || body.title === '') return 'it has no title'
  if (body.status !== status) return `it says ${body.status} and travels as ${status}`
  if (typeof body.detail !== 'string' || !/^[A-Z/][^\u0000-\u001f\u007f]{1,2000}[.?]$/u.test(body.detail)) {
    return 'its detail is no plain sentence'
  }
  if (body.request_id !== headers['x-request-id']) return 'its request id is not that of the header'
  if (body.errors !== undefined && !isListOfPlaces(body.errors)) return 'its errors are no list of places'
  if (/\bat .{1,200}\.[jt]s:\d+|node_modules|SQLITE|\/src\//.test(text)) return 'it tells about our insides'
  if (text.length > 20_000) return `it is ${text.length} characters long`
  return null
}

function isListOfPlaces(errors: unknown): boolean {
  if (!Array.isArray(errors) || errors.length === 0 || errors.length > 20) return false
  return errors.every(place => typeof place.pointer === 'string' && typeof place.detail === 'string')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
