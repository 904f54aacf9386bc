import type { FastifyInstance, FastifyRequest } from 'fastify'
import { nobody } from '../../core/access.ts'
import { scrubText } from '../json-body.ts'
import type { AccessControl } from './access-control.ts'

/** Every call that names itself for the audit log is written there when it has been answered, whatever the answer was. */
export function addAuditing(app: FastifyInstance, { audit }: Pick<AccessControl, 'audit'>): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { audit: action } = request.routeOptions.config
    // Whoever came no further than the door did nothing, and could fill the log; so could a caller above its limit.
    const isTold = request.principal !== nobody && reply.statusCode !== 401 && reply.statusCode !== 429
    if (action !== undefined && isTold) {
      audit.write({
        actor: request.principal.name,
        action: request.audited?.action ?? action,
        subject: request.audited?.subject ?? subjectOf(request),
        address: request.ip,
        outcome: reply.statusCode < 400 ? 'ok' : (request.refusal ?? 'internal_error'),
        requestId: request.id,
        reason: request.audited?.reason ?? null,
      })
    }
    done()
  })
}

/** The one thing that the path names. */
function subjectOf(request: FastifyRequest): string | null {
  const [named] = Object.values(Object(request.params))
  return typeof named === 'string' ? scrubText(named.slice(0, subjectCharsMax)) : null
}

const subjectCharsMax = 256
