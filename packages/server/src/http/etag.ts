import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/** What pages ask for again and again while live events do not reach them. */
const polled: ReadonlySet<string> = new Set([
  '/api/tasks',
  '/api/tasks/:id',
  '/api/tasks/:id/attempts',
  '/api/tasks/:id/graph',
  '/api/tasks/:id/why',
  '/api/queues',
  '/api/queues/:name',
  '/api/workers',
  '/api/workers/:id',
  '/api/stats',
  '/api/stats/history',
  '/api/failures',
  '/api/attention',
  '/api/alerts',
  '/api/alerts/:id',
  '/api/alerts/rules',
  '/api/types',
])
/** A page of more is not polled; its digest would cost more than its way. */
const digestedCharsMax = 1_048_576

/**
 * Answers 304 to who has the same reply already. The tag is weak and made of the body: nothing is kept, and it is the same
 * at every node.
 */
export function addEtags(app: FastifyInstance): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    const isPolled = request.method === 'GET' && polled.has(request.routeOptions.url ?? '')
    if (!isPolled || reply.statusCode !== 200 || typeof payload !== 'string' || payload.length > digestedCharsMax) {
      done(null, payload)
      return
    }
    const tag = `W/"${createHash('sha1').update(payload).digest('base64url')}"`
    reply.header('etag', tag)
    if (!isKnown(request, tag)) {
      done(null, payload)
      return
    }
    reply.code(304).removeHeader('content-length').removeHeader('content-type')
    done(null, null)
  })
}

function isKnown(request: FastifyRequest, tag: string): boolean {
  const known = request.headers['if-none-match']
  // A star is for writes; who reads and sends it has no reply at hand.
  return known?.split(',').some(each => weak(each.trim()) === tag) ?? false
}

/** The comparison of If-None-Match takes a strong tag for the weak one of the same text. */
function weak(tag: string): string {
  return tag.startsWith('W/') ? tag : `W/${tag}`
}
