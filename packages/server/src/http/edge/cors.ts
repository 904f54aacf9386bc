import type { FastifyInstance } from 'fastify'

/** What a script may read beside the usual headers. */
const exposedHeaders = 'Retry-After, X-Request-Id, Warning'
const allowedHeaders = 'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Traceparent, X-Request-Id'
const allowedMethods = 'GET, POST, PUT, PATCH, DELETE'
/** What Chromium keeps at most. */
const preflightSeconds = 7_200

/**
 * Lets scripts of pages of these origins read replies. Without any nothing is added, and a browser keeps other pages out.
 * No cookie is taken across origins: such scripts send a bearer token. By hand: the library answers every OPTIONS itself,
 * and the `Allow` of our door would be gone.
 */
export function addCors(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return
  const allowed = new Set(origins)
  app.addHook('onRequest', (request, reply, done) => {
    // Caches must not hand the reply for one origin to another.
    reply.header('vary', 'Origin')
    const { origin } = request.headers
    if (origin === undefined || !allowed.has(origin)) {
      done()
      return
    }
    reply.header('access-control-allow-origin', origin)
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) {
      reply
        .header('access-control-allow-methods', allowedMethods)
        .header('access-control-allow-headers', allowedHeaders)
        .header('access-control-max-age', preflightSeconds)
        .code(204)
        .send()
      return
    }
    reply.header('access-control-expose-headers', exposedHeaders)
    done()
  })
}
