import { isUtf8 } from 'node:buffer'
import { describeJsonFault, findUnstorable, type JsonFault, limits } from '@tasklane/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Problem } from '../core/problem.ts'
import { childSpans, type Span } from './json-spans.ts'

/**
 * How a body becomes a value: UTF-8 or 400, JSON or 400, and then nothing that a store could not keep (422).
 *
 * Where a call carries other people's work, one bad value must not spoil the rest:
 *  - `{ list, member }`: a fault inside an element (or only in that member of it) is cut out and told by its index.
 *  - `{ member }`: a fault inside that member of the body is cut out and told under 0; so is what is no JSON there, as the
 *    `NaN` that Python writes.
 *  - `text`: U+0000 and lone surrogates pass; the route replaces them, since a lost log line helps nobody.
 */
export type BodyTolerance =
  | 'nothing'
  | 'text'
  | { readonly list: string; readonly member: string | null }
  | { readonly member: string }

export interface JsonReading {
  readonly value: unknown
  readonly faults: ReadonlyMap<number, string> | null
}

// The parser survives any depth but takes 60 bytes for each level; nothing sensible comes near this.
const parsedDepthMax = 10_000

export function addJsonBodyParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      done(null, readBody(request, body))
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)))
    }
  })
  // An empty body is `{}` whatever it calls itself; with any other type the body is refused unread.
  app.addContentTypeParser('*', (request, _payload, done) => {
    if (request.headers['content-length'] === '0') done(null, undefined)
    else done(mediaTypeProblem(request.headers['content-type']))
  })
}

export function readJson(text: string, tolerance: BodyTolerance): JsonReading {
  const faults = new Map<number, string>()
  const fault = findUnstorable(text)
  const mended = fault !== null && typeof tolerance === 'object' ? cutFaults(text, tolerance, faults) : text
  if (fault !== null) refuseExcess(mended, fault)
  const value = isMember(tolerance) ? parseWithout(mended, tolerance.member, faults) : parse(mended)
  if (fault !== null && tolerance === 'nothing') throw new Problem('text_invalid', describeJsonFault(fault))
  if (tolerance !== 'text' && isSuspicious(text)) refuseHostile(value, tolerance, faults)
  return { value, faults: faults.size === 0 ? null : faults }
}

/** A faulty text is parsed all the same, since it may be no JSON at all; not one that would cost the parser too much. */
function refuseExcess(text: string, fault: JsonFault): void {
  // Every level, name and element takes a character.
  if (text.length <= parsedDepthMax) return
  const excess = findUnstorable(text, parsedDepthMax, 'excess')
  if (excess === null) return
  if (excess.kind !== 'depth') throw new Problem('text_invalid', describeJsonFault(excess))
  // The bound that is told is the one that is kept to, not the one up to which a faulty text is parsed.
  const detail = fault.kind === 'depth' ? describeJsonFault(fault) : 'The JSON is nested far too deep.'
  throw new Problem('text_invalid', detail)
}

function readBody(request: FastifyRequest, body: string | Buffer): unknown {
  if (body.length === 0) return undefined
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    throw new Problem(
      'media_type_unsupported',
      `Bodies with Content-Encoding '${encoding}' are not read; send it uncompressed.`,
    )
  }
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(request.headers['content-type'] ?? '')?.[1]
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8' && charset.toLowerCase() !== 'utf8') {
    throw new Problem('media_type_unsupported', `Charset '${charset}' is not read; JSON is sent in UTF-8.`)
  }
  if (typeof body !== 'string' && !isUtf8(body)) {
    throw new Problem('json_invalid', 'The body is not well-formed UTF-8; JSON is sent in UTF-8.')
  }
  const reading = readJson(body.toString('utf8'), request.routeOptions.config.tolerates ?? 'nothing')
  request.bodyFaults = reading.faults
  return reading.value
}

function mediaTypeProblem(contentType: string | undefined): Problem {
  if (contentType === undefined) {
    return new Problem('media_type_unsupported', 'The body has no Content-Type; send `Content-Type: application/json`.')
  }
  return new Problem(
    'media_type_unsupported',
    `Content-Type '${contentType.slice(0, 100)}' is not read; send application/json.`,
  )
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message.replace(/\.$/, '') : 'it cannot be parsed'
    throw new Problem('json_invalid', `The body is not JSON: ${reason}.`)
  }
}

function isMember(tolerance: BodyTolerance): tolerance is { readonly member: string } {
  return typeof tolerance === 'object' && !('list' in tolerance)
}

/** Parses without the member where it is what cannot be parsed. */
function parseWithout(text: string, member: string, faults: Map<number, string>): unknown {
  try {
    return parse(text)
  } catch (error) {
    const span = spansWithin(text, 0).findLast(each => each.key === member)
    if (span === undefined || !(error instanceof Problem)) throw error
    const value = parse(`${text.slice(0, span.start)}null${text.slice(span.end)}`)
    faults.set(0, error.message)
    return value
  }
}

/** Puts `null` where a faulty value stands. A text that is no JSON stays none: the parser decides on what is left. */
function cutFaults(text: string, tolerance: Exclude<BodyTolerance, string>, faults: Map<number, string>): string {
  const parts: string[] = []
  let keptTo = 0
  for (const [index, element] of elementsOf(text, tolerance).entries()) {
    const spans =
      tolerance.member === null
        ? [element]
        : spansWithin(text, element.start).filter(span => span.key === tolerance.member)
    for (const span of spans) {
      const fault = findUnstorable(text.slice(span.start, span.end))
      if (fault === null) continue
      faults.set(index, describeJsonFault(fault))
      parts.push(text.slice(keptTo, span.start), 'null')
      keptTo = span.end
    }
  }
  parts.push(text.slice(keptTo))
  return parts.join('')
}

/** The elements that carry a fault of their own: those of the list, or the body itself. */
function elementsOf(text: string, tolerance: Exclude<BodyTolerance, string>): readonly Span[] {
  if (!('list' in tolerance)) return [{ key: null, start: 0, end: text.length }]
  // The last of several members of one name counts, as for the parser.
  const list = spansWithin(text, 0).findLast(span => span.key === tolerance.list)
  return list === undefined ? [] : spansWithin(text, list.start)
}

/** Twice what the longest list of a call takes: no schema lets more through. */
const spansMax = 2 * Math.max(limits.batchTasksMax, limits.settleResultsMax)

/** A fault that cannot be told from its neighbours within bounds is a fault of the whole body. */
function spansWithin(text: string, from: number): readonly Span[] {
  const spans = childSpans(text, from, spansMax)
  if (spans.length < spansMax) return spans
  const fault = findUnstorable(text)
  throw new Problem('text_invalid', fault === null ? undefined : describeJsonFault(fault))
}

// Cheap guards over the text: only a text that could hold such a name pays for the walk over its values.
const hostileName = /__proto__|"constructor"/
/** A letter of them, or their underscore, written as an escape. */
const escapedName = /\\u00[5-7]/

function isSuspicious(text: string): boolean {
  return hostileName.test(text) || (text.includes('\\') && escapedName.test(text))
}

function refuseHostile(value: unknown, tolerance: BodyTolerance, faults: Map<number, string>): void {
  if (typeof tolerance !== 'object') {
    const hostile = findHostile(value)
    if (hostile !== null) throw new Problem('text_invalid', hostile)
    return
  }
  const list = 'list' in tolerance ? memberOf(value, tolerance.list) : [value]
  if (!Array.isArray(list)) return
  for (const [index, element] of list.entries()) {
    const hostile = findHostile(tolerance.member === null ? element : memberOf(element, tolerance.member))
    if (hostile !== null) faults.set(index, hostile)
  }
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return Reflect.get(value, name)
}

/** Looks for names by which a careless reader would change the prototype of all objects. Null when all is well. */
function findHostile(root: unknown): string | null {
  const left: unknown[] = [root]
  while (left.length > 0) {
    const value = left.pop()
    if (typeof value !== 'object' || value === null) continue
    if (Object.hasOwn(value, '__proto__')) {
      return "The JSON holds the name '__proto__', which can change other objects where it is read; choose another."
    }
    const constructed = memberOf(value, 'constructor')
    if (typeof constructed === 'object' && constructed !== null && Object.hasOwn(constructed, 'prototype')) {
      return "The JSON holds 'constructor.prototype', which can change other objects where it is read; choose another name."
    }
    for (const child of Object.values(value)) left.push(child)
  }
  return null
}

const unkeepable = /[\u0000\p{Surrogate}]/gu

/** Text for people (log lines, error messages) is repaired, not refused: what cannot be kept becomes U+FFFD. */
export function scrubText(text: string): string {
  return text.replace(unkeepable, '\ufffd')
}

/** Cuts a text to so many UTF-8 bytes of its JSON form, between characters, and says so by an ellipsis. */
export function cutToJsonBytes(text: string, bytesMax: number): string {
  if (text.length * 6 + 2 <= bytesMax || jsonBytes(text) <= bytesMax) return text
  let low = 0
  let high = Math.min(text.length, bytesMax)
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (jsonBytes(`${text.slice(0, middle)}…`) <= bytesMax) low = middle
    else high = middle - 1
  }
  const lastUnit = text.charCodeAt(low - 1)
  const end = lastUnit >= 0xd800 && lastUnit <= 0xdbff ? low - 1 : low
  return `${text.slice(0, end)}…`
}

export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? '')
}

/** Is this JSON text above so many bytes? Counts only where the number of characters leaves it open. */
export function exceedsBytes(text: string, bytesMax: number): boolean {
  return text.length > bytesMax || (text.length * 3 > bytesMax && Buffer.byteLength(text) > bytesMax)
}

/** The body as the route's schema describes it. */
export function bodyOf<Body>(request: FastifyRequest): Body {
  return request.body as Body // The route's body schema was checked before the handler runs.
}
