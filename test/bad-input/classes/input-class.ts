import type { ProblemCode } from '@tasklane/protocol'
import type { Sent } from '../support/client.ts'
import type { Route } from '../support/document.ts'
import { type Example, formType } from '../support/examples.ts'
import { bodyWith, type Field, fieldsOf, nameOf } from '../support/fields.ts'

/** What may be answered; the first is what is meant, the others where two faults are seen in either order. */
export interface Expected {
  /** Codes of the refusal; none where it is served. */
  readonly codes: readonly ProblemCode[]
  /** Served by contract, as the class explains: what is bad about it is mended or harmless. */
  readonly isServed?: boolean
}

export interface BadCase {
  readonly name: string
  /** Made when it is sent: some are large. */
  request(): Sent
  readonly expected: Expected
}

/** One kind of bad input, made for every call that it can be sent to. */
export interface InputClass {
  readonly name: string
  /** No case where the class does not apply to the call. */
  cases(route: Route, examples: readonly Example[]): readonly BadCase[]
}

export function refused(...codes: readonly ProblemCode[]): Expected {
  return { codes }
}

export const served: Expected = { codes: [], isServed: true }

/** Dialects pass over what they do not know; the API proper refuses it. */
export function isDialect({ tag }: Route): boolean {
  return /^[A-E]: /.test(tag)
}

/** Where a worker tells what it did, what cannot be kept of it fails its task and not the call. */
export function isSettle({ operationId }: Route): boolean {
  return operationId === 'settle' || operationId === 'pullReport'
}

export function requestOf(route: Route, example: Example, changes: Partial<Sent> = {}): Sent {
  const headers = { ...headersOf(example), ...changes.headers }
  return { method: route.method, path: pathOf(example), ...bodyOf(example), ...changes, headers }
}

function bodyOf({ body, form }: Example): Partial<Sent> {
  if (form !== undefined) return { body: new URLSearchParams(form).toString() }
  return body === undefined ? {} : { body: JSON.stringify(body) }
}

function headersOf({ form, headers = {} }: Example): Record<string, string> {
  return form === undefined ? { ...headers } : { 'content-type': formType, ...headers }
}

export function pathOf(example: Example, query: Readonly<Record<string, string>> = example.query ?? {}): string {
  const text = new URLSearchParams(query).toString()
  return text === '' ? example.path : `${example.path}?${text}`
}

/** A class of values for single fields: for each field of a body, texts to put in its place. */
export function fieldClass(
  name: string,
  values: (field: Field, route: Route) => readonly (readonly [text: string, expected: Expected])[],
): InputClass {
  return {
    name,
    cases: (route, examples) => {
      if (route.body === null) return []
      return fieldsOf(route.body, examples).flatMap(field =>
        values(field, route).map(([text, expected]) => ({
          name: `${nameOf(field.path)} = ${text.length > 60 ? `${text.slice(0, 60)}… (${text.length})` : text}`,
          request: () =>
            requestOf(route, field.example, { body: bodyWith(Object(field.example.body), field.path, text) }),
          expected,
        })),
      )
    },
  }
}

/** A class of whole bodies. */
export function bodyClass(
  name: string,
  bodies: (
    route: Route,
    example: Example,
  ) => readonly (readonly [
    name: string,
    body: string | Buffer,
    expected: Expected,
    headers?: Record<string, string>,
  ])[],
): InputClass {
  return {
    name,
    cases: (route, examples) => {
      const [example] = examples
      if (route.body === null || example === undefined) return []
      return bodies(route, example).map(([what, body, expected, headers = {}]) => ({
        name: what,
        request: () => requestOf(route, example, { body, headers }),
        expected,
      }))
    },
  }
}

export function typesOf(field: Field): readonly string[] {
  return [field.schema.type ?? []].flat()
}

export function isNumeric(field: Field): boolean {
  return typesOf(field).some(type => type === 'number' || type === 'integer')
}

/** A field of any JSON at all: payloads, results, and what workers tell about their types. */
export function isAnyJson(field: Field): boolean {
  const { type, anyOf, enum: values } = field.schema
  return type === undefined && anyOf === undefined && values === undefined
}
