import type { ProblemBody } from '@tasklane/protocol'
import { ApiError } from './api-error.ts'

export { ApiError, isUnreachable } from './api-error.ts'

/** The pages stand at `…/ui/`, the API beside them: whatever path a proxy puts in front is in both. */
export const root = new URL('../', document.baseURI.split('#')[0])

/** Said with every call: without it the cookie of a session does not count, so that no foreign page can use it. */
const ourHeader = { 'x-requested-with': 'tasklane' }

/** The last answer of each address with its ETag: a poll of what did not change costs a 304. */
const remembered = new Map<string, { readonly etag: string; readonly body: unknown }>()
const rememberedMax = 60

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

export async function get<Body>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Body> {
  const url = addressOf(path, query)
  const known = remembered.get(url)
  const headers = { ...ourHeader, ...(known === undefined ? {} : { 'if-none-match': known.etag }) }
  const reply = await reach(url, { headers, ...(signal === undefined ? {} : { signal }) })
  // What is remembered was read from this very address, so that its shape is the one asked for.
  if (reply.status === 304 && known !== undefined) return known.body as Body
  const body = await bodyOf(reply)
  const etag = reply.headers.get('etag')
  if (etag !== null) remember(url, etag, body)
  return body as Body // The scheduler's OpenAPI document says what each call answers.
}

export async function send<Body>(method: string, path: string, body?: unknown): Promise<Body> {
  const reply = await reachSignedIn(addressOf(path, {}), {
    method,
    headers: { ...ourHeader, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return (await bodyOf(reply)) as Body // As above.
}

/** A stream of events. Read by fetch and not by EventSource, which can say no header. */
export function openStream(path: string, query: Query, lastId: string | null, signal: AbortSignal): Promise<Response> {
  const headers = { ...ourHeader, accept: 'text/event-stream', ...(lastId === null ? {} : { 'last-event-id': lastId }) }
  return reach(addressOf(path, query), { headers, signal, cache: 'no-store' })
}

export function addressOf(path: string, query: Query): string {
  const url = new URL(path.replace(/^\//, ''), root)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') url.searchParams.set(name, String(value))
  }
  return url.href
}

let tellSignedOut = (): void => {}

/** What is to be done when somebody acts and the session has ended: nothing but an action tells it at once. */
export function whenSignedOut(act: () => void): void {
  tellSignedOut = act
}

async function reachSignedIn(url: string, init: RequestInit): Promise<Response> {
  try {
    return await reach(url, init)
  } catch (error) {
    // A wrong password is 401, too, and ends no session.
    if (error instanceof ApiError && error.code === 'unauthenticated') tellSignedOut()
    throw error
  }
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  let reply: Response
  try {
    reply = await fetch(url, { credentials: 'same-origin', ...init })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiError(0, 'The scheduler cannot be reached.', null)
  }
  if (reply.ok || reply.status === 304) return reply
  const problem = await problemOf(reply)
  const seconds = Number(reply.headers.get('retry-after') ?? Number.NaN)
  const message = problem?.detail ?? problem?.title ?? `The scheduler answered ${reply.status}.`
  throw new ApiError(reply.status, message, problem, Number.isFinite(seconds) ? seconds : null)
}

async function problemOf(reply: Response): Promise<ProblemBody | null> {
  try {
    const body: unknown = await reply.json()
    const isProblem = typeof body === 'object' && body !== null && 'code' in body
    return isProblem ? (body as ProblemBody) : null // What has a code is a problem, by the API's word.
  } catch {
    return null
  }
}

async function bodyOf(reply: Response): Promise<unknown> {
  const text = await reply.text()
  return text === '' ? null : JSON.parse(text)
}

function remember(url: string, etag: string, body: unknown): void {
  remembered.delete(url)
  remembered.set(url, { etag, body })
  const oldest = remembered.keys().next().value
  if (remembered.size > rememberedMax && oldest !== undefined) remembered.delete(oldest)
}

/** What was read under one name is not shown under another. */
export function forgetAll(): void {
  remembered.clear()
}
