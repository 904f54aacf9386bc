import type { FastifyRequest } from 'fastify'
import { Problem } from '../core/problem.ts'
import { createSchemaCheck, type SchemaCheck, validationProblem } from './schema-check.ts'
import { shown } from './schema-sentences.ts'

/** Describes the query of one call; values are strings, or numbers where the schema says so. */
export interface QuerySchema {
  readonly type: 'object'
  /** True in the dialects, which pass over what they do not know. */
  readonly additionalProperties: boolean
  readonly properties: Readonly<Record<string, object>>
}

export const noQuery: QuerySchema = { type: 'object', additionalProperties: false, properties: {} }

const malformed = Symbol('malformed')
/** Of most requests; no schema demands a parameter. */
const emptyQuery: Record<string, unknown> = Object.freeze(Object.create(null))

type RawQuery = Record<string | symbol, string | readonly string[]>

/**
 * Splits a query string. Runs inside the router, where an exception would reach nobody, so it marks a fault instead of
 * throwing; the mark is refused by `readQuery`.
 */
export function splitQuery(text: string): Record<string, unknown> {
  if (text === '') return emptyQuery
  const query: RawQuery = Object.create(null)
  for (const part of text.split('&')) {
    if (part === '') continue
    const at = part.indexOf('=')
    const name = decode(at === -1 ? part : part.slice(0, at))
    const value = decode(at === -1 ? '' : part.slice(at + 1))
    if (name === null || value === null) {
      query[malformed] = part
      continue
    }
    const before = query[name]
    query[name] = before === undefined ? value : [...(typeof before === 'string' ? [before] : before), value]
  }
  return query
}

export type QueryReading = { readonly value: Readonly<Record<string, unknown>> } | { readonly error: Problem }

/** Turns a split query into typed values, or the refusal. */
export function createQueryReader(schema: QuerySchema): (query: unknown) => QueryReading {
  const check: SchemaCheck = createSchemaCheck(schema, 'query')
  return raw => {
    if (raw === emptyQuery) return { value: emptyQuery }
    const query = Object(raw) as RawQuery // What `splitQuery` made.
    const bad = query[malformed]
    if (bad !== undefined) {
      const detail = `The query holds '${String(bad).slice(0, 60)}', which is no valid percent-encoding of UTF-8.`
      return { error: new Problem('request_invalid', detail) }
    }
    const values: Record<string, unknown> = Object.create(null)
    for (const [name, value] of Object.entries(query)) {
      if (schema.additionalProperties && !Object.hasOwn(schema.properties, name)) continue
      if (typeof value !== 'string')
        return refuse(name, `Query parameter ${shown(name)} is given ${value.length} times; give it once.`)
      if (value.includes('\0')) return refuse(name, `Query parameter ${shown(name)} holds U+0000; leave it out.`)
      const type: unknown = Reflect.get(Object(schema.properties[name]), 'type')
      values[name] = type === 'number' || type === 'integer' ? readNumber(value) : value
    }
    const problem = check(values)
    return problem === null ? { value: values } : { error: problem }
  }
}

/** The query as its schema describes it. */
export function queryOf<Query>(request: FastifyRequest): Query {
  return request.query as Query // The route's query schema was checked by `createQueryReader`.
}

/** Plain decimal digits only: `1e2`, `0x10` and `+1` are texts, which the schema then refuses by name. */
function readNumber(text: string): number | string {
  return /^-?\d{1,15}(?:\.\d{1,9})?$/.test(text) ? Number(text) : text
}

function refuse(pointer: string, detail: string): QueryReading {
  return { error: validationProblem([{ pointer, detail }]) }
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return null
  }
}
