import type { Draft } from './generate.ts'
import { requestOfDraft } from './generate.ts'

/** Requests that a shrink may make: enough for any draft, and an end. */
const triesMax = 200

/**
 * Leaves out part after part for as long as the fault stays. What earlier requests have left behind may be part of the
 * fault; then nothing can be left out, and the draft comes back as it was.
 */
export async function shrinkDraft(draft: Draft, isStillBad: (draft: Draft) => Promise<boolean>): Promise<Draft> {
  let smallest = draft
  let tries = 0
  for (let hasShrunk = true; hasShrunk && tries < triesMax; ) {
    hasShrunk = false
    for (const candidate of smallerDrafts(smallest)) {
      tries += 1
      if (tries > triesMax) break
      if (!(await isStillBad(candidate))) continue
      smallest = candidate
      hasShrunk = true
      break
    }
  }
  return smallest
}

function* smallerDrafts(draft: Draft): Generator<Draft> {
  const { body, query, headers } = draft
  if (headers.length > 0) yield { ...draft, headers: [] }
  for (let at = 0; at < query.length; at += 1) yield { ...draft, query: query.toSpliced(at, 1) }
  if (body === null) return
  if (typeof body === 'string') {
    if (body.length > 1) yield { ...draft, body: body.slice(0, Math.floor(body.length / 2)) }
    return
  }
  for (let at = 0; at < body.length; at += 1) yield { ...draft, body: body.toSpliced(at, 1) }
  for (const [at, [name, text]] of body.entries()) {
    for (const smaller of smallerTexts(text)) yield { ...draft, body: body.with(at, [name, smaller]) }
  }
}

/** Lists with an element less, objects with a member less, and texts half as long. */
function* smallerTexts(text: string): Generator<string> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return
  }
  if (typeof value === 'string' && value.length > 1) yield JSON.stringify(value.slice(0, Math.floor(value.length / 2)))
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) yield JSON.stringify(value.toSpliced(at, 1))
    // A single element may shrink inside.
    if (value.length === 1) for (const inner of smallerTexts(JSON.stringify(value[0]))) yield `[${inner}]`
  } else if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
    for (let at = 0; at < members.length; at += 1) yield JSON.stringify(Object.fromEntries(members.toSpliced(at, 1)))
  }
}

/** A line for a shell that sends the same bytes. */
export function curlOf(url: string, draft: Draft): string {
  const { method, path, headers = {}, body } = requestOfDraft(draft)
  const parts = ['curl', '-i', '--path-as-is', '-X', method]
  const told = body === undefined ? headers : { 'content-type': 'application/json', ...headers }
  for (const [name, value] of Object.entries(told))
    parts.push('-H', quoted(`${name}${value === '' ? ';' : `: ${value}`}`))
  if (body !== undefined) parts.push('--data-binary', quoted(String(body)))
  return [...parts, quoted(url + path)].join(' ')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
