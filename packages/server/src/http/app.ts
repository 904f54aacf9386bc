import { limits } from '@tasklane/protocol'
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify'
import { nobody } from '../core/access.ts'
import { Problem } from '../core/problem.ts'
import type { Engine } from '../engine/engine.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import { type AllowedMethods, gatherAllowedMethods } from './allowed-methods.ts'
import { createAccessControl } from './auth/access-control.ts'
import type { AccessOptions } from './auth/access-options.ts'
import { addAuditing } from './auth/auditing.ts'
import { createEngineViews } from './auth/engine-views.ts'
import { addGuard } from './auth/guard.ts'
import { addRenewal } from './auth/renewal.ts'
import { withoutSecrets } from './auth/without-secrets.ts'
import { answerClientError, answerExpectation } from './client-errors.ts'
import type { HttpContext, HttpSettings, Whereabouts } from './context.ts'
import { addDashboard } from './dashboard.ts'
import { addArithmeticRoutes } from './dialects/arithmetic.ts'
import { addNumberedTaskRoutes } from './dialects/numbered-tasks.ts'
import { addPullRoutes } from './dialects/pull.ts'
import { addRootWorkerRoutes } from './dialects/root-workers.ts'
import { addCallerCheck } from './edge/caller-check.ts'
import { addCors } from './edge/cors.ts'
import { type EdgeSettings, edgeSettingsDefault } from './edge/edge-settings.ts'
import { addRateLimits } from './edge/rate-limits.ts'
import { answerPlainHttp, tlsVersionMin } from './edge/tls.ts'
import { trustedProxies } from './edge/trust-proxy.ts'
import { createStreams } from './events/streams.ts'
import './fastify-additions.ts'
import { addEtags } from './etag.ts'
import { addJsonBodyParser } from './json-body.ts'
import { addMetrics, type Metrics } from './metrics.ts'
import { addOpenApi } from './openapi.ts'
import { type RequestName, requestSchemas } from './openapi-components.ts'
import { refusalOf, sendProblem } from './problems.ts'
import { createQueryReader, type QuerySchema, splitQuery } from './query.ts'
import { createRequestIds } from './request-id.ts'
import { addAboutRoutes } from './routes/about.ts'
import { addAlertChannelRoutes } from './routes/alert-channels.ts'
import { addAlertRuleRoutes } from './routes/alert-rules.ts'
import { addAlertRoutes } from './routes/alerts.ts'
import { addAttentionRoute } from './routes/attention.ts'
import { addAuditRoutes } from './routes/audit.ts'
import { addEventRoutes } from './routes/events.ts'
import { addFirstAdminRoutes } from './routes/first-admin.ts'
import { addHealthRoutes } from './routes/health.ts'
import { addLoginRoutes } from './routes/login.ts'
import { addMeRoutes } from './routes/me.ts'
import { addOverviewRoutes } from './routes/overview.ts'
import { addQueueRoutes } from './routes/queues.ts'
import { addTaskVerbRoutes } from './routes/task-verbs.ts'
import { addTaskRoutes, checkBatchBody } from './routes/tasks.ts'
import { addTokenRoutes } from './routes/tokens.ts'
import { addUserRoutes } from './routes/users.ts'
import { addWorkerRoutes } from './routes/workers.ts'
import { createSchemaCheck } from './schema-check.ts'

/** The app as those above this floor see it; Fastify itself stays here. */
export type HttpApp = FastifyInstance

export interface AppOptions {
  readonly engine: Engine
  readonly clock: Clock
  readonly log: Log
  readonly version: string
  readonly settings: HttpSettings
  readonly access: AccessOptions
  /** Open on loopback if absent. */
  readonly edge?: EdgeSettings
  /** One node that keeps nothing, if absent. */
  readonly whereabouts?: Whereabouts
}

const alone: Whereabouts = {
  environment: null,
  traceUrl: null,
  store: { kind: 'memory', place: null },
  countNodes: async () => 1,
}

/**
 * The HTTP floor, not listening yet. Stop it in this order: `app.beginStop()`, `engine.beginStop()`, `app.close()` (waits
 * for requests under way), `engine.stop()`.
 */
export async function buildApp(options: AppOptions): Promise<HttpApp> {
  const { clock, edge = edgeSettingsDefault } = options
  const startedAtMs = clock.monotonic()
  let isStopping = false
  const viewFor = createEngineViews(options.engine, clock)
  const context: HttpContext = {
    ...options,
    whereabouts: options.whereabouts ?? alone,
    access: createAccessControl(options.access, options),
    engineOf: request => viewFor(request.principal),
    isStopping: () => isStopping,
    uptimeSeconds: () => Math.round(clock.monotonic() - startedAtMs) / 1_000,
  }
  const streams = createStreams(options)
  const app = createServer(context, edge)
  const allowed = gatherAllowedMethods(app)
  app.decorate('beginStop', () => {
    isStopping = true
    streams.stop()
    // Idle keep-alive connections would hold the close up; busy ones end with their reply.
    app.server.closeIdleConnections()
  })
  app.decorateRequest('bodyFaults', null)
  app.decorateRequest('principal')
  app.decorateRequest('credential', null)
  app.decorateRequest('audited', null)
  app.decorateRequest('refusal', null)
  addCors(app, edge.corsOrigins)
  addJsonBodyParser(app)
  addValidation(app)
  addDoor(app, context, allowed)
  if (options.access.mode !== 'required') addCallerCheck(app, edge)
  addGuard(app, context.access)
  if (options.access.mode === 'required') addRateLimits(app, { perSecond: edge.rateLimit, clock })
  addAuditing(app, context.access)
  addRenewal(app, context.access, clock)
  await addOpenApi(app, options.version, { hasTls: edge.tls !== null })
  const metrics = options.settings.metricsEnabled ? addMetrics(app, context) : null
  addObservation(app, context, metrics)
  addEtags(app)
  addTaskRoutes(app, context)
  addTaskVerbRoutes(app, context)
  addWorkerRoutes(app, context)
  addQueueRoutes(app, context)
  addHealthRoutes(app, context)
  addEventRoutes(app, context, streams)
  addOverviewRoutes(app, context)
  addAttentionRoute(app, context)
  addAlertRoutes(app, context)
  addAlertRuleRoutes(app, context)
  addAlertChannelRoutes(app, context)
  addNumberedTaskRoutes(app, context)
  addRootWorkerRoutes(app, context)
  addArithmeticRoutes(app, context)
  addPullRoutes(app, context)
  addLoginRoutes(app, context)
  addMeRoutes(app, context)
  addFirstAdminRoutes(app, context)
  addUserRoutes(app, context)
  addTokenRoutes(app, context)
  addAuditRoutes(app, context)
  addAboutRoutes(app, context)
  await addDashboard(app, { hasTls: edge.tls !== null })
  app.get('/openapi.json', { schema: { hide: true }, config: { access: 'public' } }, () => app.swagger())
  await app.ready()
  return app
}

// Longer than the idle time of common proxies (60 s), so that it is never we who close first under a request.
const keepAliveMs = 72_000
const headersMs = 20_000
// 16 MiB over a slow line.
const receiveMs = 60_000
const headerBytesMax = 16_384
const connectionsMax = 10_000

function createServer(context: HttpContext, edge: EdgeSettings): FastifyInstance {
  const { settings } = context
  const idOf = createRequestIds(context.clock)
  const requestTimeoutMs = settings.requestTimeoutMs ?? receiveMs
  const http = {
    maxHeaderSize: headerBytesMax,
    // Node would answer without a body; the door answers with a problem.
    requireHostHeader: false,
    headersTimeout: Math.min(headersMs, requestTimeoutMs),
    connectionsCheckingInterval: Math.min(5_000, Math.max(100, requestTimeoutMs / 2)),
  }
  const options: FastifyServerOptions = {
    logger: false,
    trustProxy: trustedProxies(edge),
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    // Our own door answers while stopping, with a problem.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    requestIdHeader: false,
    genReqId: idOf,
    routerOptions: {
      ignoreTrailingSlash: true,
      caseSensitive: true,
      // Percent-encoded names of 128 characters; longer ones can name nothing.
      maxParamLength: 1_024,
      querystringParser: splitQuery,
    },
    frameworkErrors: (error, request, reply) => {
      setCommonHeaders(request, reply)
      const { problem, status } = refusalOf(error)
      // The path could not be read, so the socket is not asked for what may follow it.
      sendProblem(reply.header('connection', 'close'), problem, status)
    },
    clientErrorHandler: (error, socket) => {
      const requestId = idOf({ headers: {} })
      if (!answerPlainHttp(error, socket, requestId)) answerClientError(error, socket, requestId)
    },
  }
  const { tls } = edge
  const served = tls === null ? { http } : { https: { ...http, ...tls, minVersion: tlsVersionMin } }
  // A server of HTTPS is one of HTTP in all that is asked of it here; Fastify's types keep them apart.
  const app: FastifyInstance = fastify({ ...options, ...served } as FastifyServerOptions)
  app.server.on('checkExpectation', (request, response) => answerExpectation(response, idOf(request)))
  app.server.maxConnections = settings.connectionsMax ?? connectionsMax
  return app
}

/** Schemas are checked by our own compiler: the body by name, the query by hand; replies are only described by theirs. */
function addValidation(app: FastifyInstance): void {
  app.setValidatorCompiler(({ schema, httpPart }) => {
    if (httpPart === 'body') {
      const name = requestName(schema)
      const check = name === 'BatchSubmission' ? checkBatchBody : createSchemaCheck(requestSchemas[name])
      return body => {
        const problem = check(body)
        return problem === null ? true : { error: problem }
      }
    }
    if (httpPart === 'querystring') return createQueryReader(schema as QuerySchema) // Made by `describeCall`.
    return () => true
  })
  app.setSerializerCompiler(() => value => JSON.stringify(value))
}

function requestName(schema: unknown): RequestName {
  const name = String(Reflect.get(Object(schema), '$ref')).replace(/#$/, '')
  if (!isRequestName(name)) throw new Error(`Assertion failed: the body refers to an unknown schema '${name}'`)
  return name
}

function isRequestName(name: string): name is RequestName {
  return Object.hasOwn(requestSchemas, name)
}

/** What happens to every request before and whatever happens in its route: headers, 404, 405, 503, and refusals. */
function addDoor(app: FastifyInstance, context: HttpContext, allowed: AllowedMethods): void {
  app.addHook('onRequest', (request, reply, done) => {
    // Until the guard knows better.
    request.principal = nobody
    setCommonHeaders(request, reply)
    if (request.headers.host === undefined && request.raw.httpVersion === '1.1') {
      reply.header('connection', 'close')
      sendProblem(reply, new Problem('request_invalid', 'The request has no Host header, which HTTP/1.1 demands.'))
      return
    }
    if (request.is404) {
      answerUnknown(request, reply, allowed)
      return
    }
    if (context.isStopping()) {
      reply.header('connection', 'close')
      if (request.routeOptions.config.servesWhileStopping !== true) {
        sendProblem(reply, new Problem('stopping'))
        return
      }
    }
    done()
  })
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.body === undefined) request.body = {}
    done()
  })
  app.setNotFoundHandler((request, reply) => answerUnknown(request, reply, allowed))
  app.setErrorHandler((error, request, reply) => {
    const { problem, status, isFault } = refusalOf(error)
    if (isFault) {
      const fields = { request_id: request.id, method: request.method, url: withoutSecrets(request.url), err: error }
      context.log.error(fields, 'A request met a fault of Tasklane itself')
    }
    sendProblem(reply, problem, status)
  })
}

function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id)
  reply.header('x-content-type-options', 'nosniff')
  if (!request.url.startsWith('/docs')) reply.header('cache-control', 'no-store')
}

/** 404, or 405 where the path takes other methods. The body, if any, is not read. */
function answerUnknown(request: FastifyRequest, reply: FastifyReply, allowed: AllowedMethods): void {
  const path = request.url.split('?')[0] ?? ''
  const methods = allowed.of(path)
  if (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined) {
    reply.header('connection', 'close')
  }
  if (methods === null) {
    sendProblem(reply, new Problem('not_found', `Nothing is at ${path.slice(0, 200)}; the calls are listed at /docs.`))
    return
  }
  const allow = methods.join(', ')
  reply.header('allow', allow)
  if (request.method === 'OPTIONS') {
    reply.code(204).send()
    return
  }
  sendProblem(
    reply,
    new Problem('method_not_allowed', `${path.slice(0, 200)} does not take ${request.method}; it takes ${allow}.`),
  )
}

/** One line a request: at info where somebody may want to look at it, at debug otherwise. */
function addObservation(app: FastifyInstance, context: HttpContext, metrics: Metrics | null): void {
  const slowMs = context.settings.slowRequestMs ?? 1_000
  app.addHook('onResponse', (request, reply, done) => {
    const durationMs = reply.elapsedTime
    const { config, url } = request.routeOptions
    const status = reply.statusCode
    metrics?.observeHttp({ method: request.method, route: url ?? 'unknown', status, seconds: durationMs / 1_000 })
    const fields = {
      request_id: request.id,
      method: request.method,
      url: withoutSecrets(request.url),
      address: request.ip,
      status,
      duration_ms: Math.round(durationMs * 100) / 100,
    }
    // 503 is told to the caller and passes; any other 5xx is ours to look at.
    if (status >= 500 && status !== 503) context.log.warn(fields, 'Request failed')
    else if (status >= 400) context.log.info(fields, 'Request refused')
    else if (durationMs > slowMs && config.isLongPoll !== true) context.log.info(fields, 'Request was slow')
    else context.log.debug(fields, 'Request served')
    done()
  })
  app.addHook('onClose', async () => {
    metrics?.close()
    await context.access.stop()
  })
}
