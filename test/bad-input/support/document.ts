import type { LiveNode } from './node.ts'

/** The parts of JSON Schema that the scheduler's document uses, references resolved. */
export interface Schema {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly propertyNames?: Schema
  readonly maxProperties?: number
  readonly items?: Schema
  readonly minItems?: number
  readonly maxItems?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
}

export interface QueryParameter {
  readonly name: string
  readonly schema: Schema
}

/** One call of the API, as the node's own document tells it. */
export interface Route {
  readonly operationId: string
  readonly tag: string
  readonly method: string
  /** `/api/tasks/{id}` */
  readonly path: string
  /** Null where the call takes none. */
  readonly body: Schema | null
  readonly query: readonly QueryParameter[]
  /** Schema of the reply by the statuses that the document names; null where none is told. */
  readonly replies: ReadonlyMap<number, Schema | null>
}

export interface Document {
  readonly routes: readonly Route[]
  readonly raw: object
}

/** Reads the document that the node serves. Throws where it is not the shape that this suite understands. */
export async function readDocument(node: LiveNode): Promise<Document> {
  const raw: object = Object((await node.get('/openapi.json')).body)
  const routes: Route[] = []
  for (const [path, operations] of Object.entries(member(raw, 'paths'))) {
    for (const [method, operation] of Object.entries(Object(operations))) {
      routes.push(routeOf(raw, path, method.toUpperCase(), Object(operation)))
    }
  }
  if (routes.length === 0) throw new Error('The document names no call.')
  return { routes, raw }
}

function routeOf(raw: object, path: string, method: string, operation: object): Route {
  const parameters = Object.values(member(operation, 'parameters')).map(Object)
  const body = jsonSchemaOf(raw, member(operation, 'requestBody'))
  return {
    operationId: String(Reflect.get(operation, 'operationId')),
    tag: String(Object.values(member(operation, 'tags'))[0]),
    method,
    path,
    body,
    query: parameters
      .filter(parameter => parameter.in === 'query')
      .map(parameter => ({ name: String(parameter.name), schema: resolved(raw, parameter.schema) })),
    replies: new Map(
      Object.entries(member(operation, 'responses')).map(([status, reply]) => [
        Number(status),
        jsonSchemaOf(raw, reply),
      ]),
    ),
  }
}

function jsonSchemaOf(raw: object, content: unknown): Schema | null {
  const media = member(member(Object(content), 'content'), 'application/json')
  const schema: unknown = Reflect.get(media, 'schema')
  return schema === undefined ? null : resolved(raw, schema)
}

/** The schema with every reference replaced by what it refers to. The document has no recursive schema. */
function resolved(raw: object, schema: unknown): Schema {
  const replace = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(replace)
    if (typeof value !== 'object' || value === null) return value
    const reference: unknown = Reflect.get(value, '$ref')
    if (typeof reference === 'string') {
      const path = reference.replace(/^#\//, '').split('/')
      return replace(path.reduce<unknown>((at, name) => Reflect.get(Object(at), name), raw))
    }
    return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, replace(child)]))
  }
  return replace(schema) as Schema // What the document holds there is a schema.
}

function member(value: object, name: string): object {
  return Object(Reflect.get(value, name) ?? {})
}
