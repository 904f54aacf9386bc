import type { FastifyInstance, FastifyRequest } from 'fastify'
import { scrubText } from '../json-body.ts'
import type { AccessControl } from './access-control.ts'

/** Every call that names itself for the audit log is written there when it has been answered, whatever the answer was. */
export function addAuditing(app: FastifyInstance, { audit }: Pick<AccessControl, 'audit'>): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { audit: action } = request.routeOptions.config
    // Who is not logged in did nothing, and could fill the log.
    if (action !== undefined && reply.statusCode !== 401) {
      audit.write({
        actor: request.principal.name,
        action: request.audited?.action ?? action,
        subject: request.audited?.subject ?? subjectOf(request),
        address: request.ip,
        outcome: reply.statusCode < 400 ? 'ok' : (request.refusal ?? 'internal_error'),
        requestId: request.id,
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
