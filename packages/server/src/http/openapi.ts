import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { type ProblemCode, problems } from '@tasklane/protocol'
import type { FastifyInstance, FastifySchema } from 'fastify'
import type { Access } from '../core/access.ts'
import { addPublicly } from './auth/guard.ts'
import { addPageHeaders, type PageHeaders } from './edge/page-headers.ts'
import { documentedRequests, type ReplyName, type RequestName, ref, replySchemas } from './openapi-components.ts'
import { noQuery, type QuerySchema } from './query.ts'

/** The calls of the systems that Tasklane replaces, each under a tag of its own. */
const dialects = {
  'A: advanced': 'Tasks with a name and an integer id, a predicted priority, and a login.',
  'B: RabbitMQ and Redis': 'Tasks and workers at the root.',
  'C: challenge': 'Calls of the API proper, which is a superset of it, field for field.',
  'D: arithmetic': 'Three tasks of Celery, and their status in Celery’s words.',
  'E: pull scheduler':
    'Workers that pull one task at a time and know nothing of epochs. Each call answers under the prefix `/scheduler`, too. Times end in `+00:00`.',
} as const

type DialectTag = keyof typeof dialects

function isDialect(tag: string): tag is DialectTag {
  return Object.hasOwn(dialects, tag)
}

export interface CallDescription {
  /** Also the name of the SDK's method. */
  readonly operationId: string
  /** What it does, for the rule of who may call it. */
  readonly access: Access
  /** Its name in the audit log, for calls that change something and are not told by the history of a task. */
  readonly audit?: string
  readonly tag: 'tasks' | 'workers' | 'queues' | 'alerts' | 'accounts' | 'health' | DialectTag
  /** Of a call that two dialects share, or a dialect and the API proper. */
  readonly alsoTag?: DialectTag
  readonly summary: string
  readonly description?: string
  readonly params?: Readonly<Record<string, string>>
  readonly body?: RequestName
  /** Where it is not JSON. */
  readonly consumes?: readonly string[]
  /** Null may carry any. */
  readonly query?: QuerySchema | null
  readonly headers?: Readonly<Record<string, string>>
  /** Reply by status; null has no body. */
  readonly replies: Readonly<Record<number, readonly [what: string, schema: ReplyName | 'text' | 'events' | null]>>
  /** Beside those that follow from having a body or a query. */
  readonly refuses?: readonly ProblemCode[]
}

const refusesOfGuard: readonly ProblemCode[] = ['unauthenticated', 'forbidden', 'too_many_requests']
const refusesOfAll: readonly ProblemCode[] = [
  'request_invalid',
  'host_not_allowed',
  'origin_not_allowed',
  'forwarded_not_trusted',
  'internal_error',
  'store_unavailable',
  'outcome_unknown',
  'stopping',
]
const refusesOfHealth: readonly ProblemCode[] = ['request_invalid', 'internal_error']
const refusesOfBodies: readonly ProblemCode[] = [
  'json_invalid',
  'validation_failed',
  'text_invalid',
  'payload_too_large',
  'media_type_unsupported',
]

/** Either of them. */
const securityOfCalls = [{ login: [] }, { bearer: [] }]
const securitySchemes = {
  login: {
    type: 'oauth2',
    description: 'A user’s name and password for a session token. Client id and secret are left empty.',
    flows: { password: { tokenUrl: '/token', scopes: {} } },
  },
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'A session token of POST /token, or a service token (`tl_…`).',
  },
} as const

/** One call, for Fastify to validate and for the document to tell. */
export function describeCall(call: CallDescription): FastifySchema {
  const refuses = new Set<ProblemCode>(call.refuses ?? [])
  if (call.body !== undefined) for (const code of refusesOfBodies) refuses.add(code)
  // Every call of the API refuses query parameters that it does not know; probes of health and dialects may carry any.
  const query = call.query === undefined && call.tag !== 'health' && !isDialect(call.tag) ? noQuery : call.query
  if (query != null) refuses.add('validation_failed')
  for (const code of call.tag === 'health' ? refusesOfHealth : refusesOfAll) refuses.add(code)
  if (call.access !== 'public') for (const code of refusesOfGuard) refuses.add(code)
  const schema = {
    operationId: call.operationId,
    tags: [call.tag, ...(call.alsoTag === undefined ? [] : [call.alsoTag])],
    summary: call.summary,
    ...(call.description === undefined ? {} : { description: call.description }),
    ...(call.params === undefined ? {} : { params: paramsSchema(call.params) }),
    ...(call.body === undefined ? {} : { body: ref(call.body) }),
    ...(call.consumes === undefined ? {} : { consumes: [...call.consumes] }),
    ...(call.headers === undefined ? {} : { headers: headersSchema(call.headers) }),
    ...(query == null ? {} : { querystring: query }),
    response: Object.fromEntries(
      Object.entries(call.replies).map(([status, [what, name]]) => [status, replySchema(what, name)]),
    ),
    'x-refuses': [...refuses],
    'x-access': call.access,
    ...(call.audit === undefined ? {} : { 'x-audit': call.audit }),
    security: call.access === 'public' ? [] : securityOfCalls,
  }
  return schema
}

export async function addOpenApi(app: FastifyInstance, version: string, pages: PageHeaders): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Tasklane',
        version,
        description:
          'A distributed task scheduler. Times are RFC 3339 in UTC, durations seconds. Nothing is coerced and unknown fields are refused. Refusals are problems (RFC 9457) with a stable `code`.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      tags: [
        { name: 'tasks', description: 'Submit tasks, follow them, and change their course.' },
        { name: 'workers', description: 'The protocol of workers: register, claim, heartbeat, settle.' },
        { name: 'queues', description: 'Named lines of tasks; each can be paused.' },
        { name: 'alerts', description: 'What is watched for, what is in trouble, and who is told of it.' },
        { name: 'accounts', description: 'Log in; users, service tokens and the audit log.' },
        { name: 'health', description: 'How this node is.' },
        ...Object.entries(dialects).map(([name, description]) => ({ name, description })),
      ],
      components: { securitySchemes },
    },
    refResolver: {
      buildLocalReference: (json, _baseUri, _fragment, index) =>
        typeof json.$id === 'string' ? json.$id : `def-${index}`,
    },
    transformObject: source => ('openapiObject' in source ? withRefusals(source.openapiObject) : source.swaggerObject),
  })
  for (const [name, schema] of Object.entries({ ...documentedRequests, ...replySchemas })) {
    app.addSchema({ $id: name, ...schema })
  }
  await addPublicly(app, async scope => {
    await addPageHeaders(scope, { ...pages, hasOwnPolicy: true })
    await scope.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: { displayRequestDuration: true, tryItOutEnabled: true, docExpansion: 'list', validatorUrl: null },
      theme: { title: 'Tasklane API', css: [{ filename: 'tasklane.css', content: hiddenBar }] },
      staticCSP:
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    })
  })
}

/** The page names the one document there is; a bar to choose others, under another project's name, says nothing. */
const hiddenBar = '.swagger-ui .topbar { display: none }'

function paramsSchema(params: Readonly<Record<string, string>>): object {
  const properties = Object.fromEntries(
    Object.entries(params).map(([name, description]) => [name, { type: 'string', description }]),
  )
  return { type: 'object', properties, required: Object.keys(params) }
}

function headersSchema(headers: Readonly<Record<string, string>>): object {
  const properties = Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { type: 'string', description }]),
  )
  return { type: 'object', properties }
}

function replySchema(what: string, name: ReplyName | 'text' | 'events' | null): object {
  if (name === null) return { description: what, type: 'null' }
  if (name === 'events') {
    return { description: what, content: { 'text/event-stream': { schema: { type: 'string' } } } }
  }
  if (name === 'text') return { description: what, content: { 'text/plain': { schema: { type: 'string' } } } }
  return { description: what, content: { 'application/json': { schema: ref(name) } } }
}

const problemContent = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }

type Document = Readonly<Record<string, unknown>>

/** Adds the refusals as reusable responses and lets every call refer to its own. */
function withRefusals<Given extends object>(document: Given): Given {
  const paths: Document = Object(Reflect.get(document, 'paths'))
  for (const operations of Object.values(paths)) {
    for (const operation of Object.values(Object(operations))) addRefusals(Object(operation))
  }
  const components = Object(Reflect.get(document, 'components'))
  const responses = Object.fromEntries(
    Object.entries(problems).map(([code, { title, help }]) => [
      code,
      { description: `\`${code}\`: ${title}. ${help}`, content: problemContent },
    ]),
  )
  return { ...document, components: { ...components, responses } }
}

function addRefusals(operation: Record<string, unknown>): void {
  const codes = operation['x-refuses']
  if (!Array.isArray(codes)) return
  delete operation['x-refuses']
  const responses: Record<string, unknown> = Object(operation.responses)
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of codes) {
    if (!isProblemCode(code)) continue
    const status = problems[code].status
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  for (const [status, sharing] of [...byStatus].sort(([one], [other]) => one - other)) {
    // A call may answer a status with a body of its own, as /health does with 503.
    if (responses[status] !== undefined) continue
    responses[status] =
      sharing.length === 1 ? { $ref: `#/components/responses/${sharing[0]}` } : sharedResponse(sharing)
  }
}

/** A status has one entry in the document, so codes that share one are told together. */
function sharedResponse(codes: readonly ProblemCode[]): object {
  const lines = codes.map(code => `- \`${code}\`: ${problems[code].title}. ${problems[code].help}`)
  return { description: lines.join('\n'), content: problemContent }
}

function isProblemCode(code: unknown): code is ProblemCode {
  return typeof code === 'string' && Object.hasOwn(problems, code)
}
