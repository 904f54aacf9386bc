import type { FastifyInstance } from 'fastify'
import type { Clock } from '../../ports/clock.ts'
import type { AccessControl } from './access-control.ts'
import { setCookie } from './cookie.ts'

/** A browser that works goes on without a new login for so long; programs log in again. */
const renewedForMs = 12 * 3_600_000

/** A session by cookie that is used in the second half of its time gets a new token, under the same session. */
export function addRenewal(app: FastifyInstance, access: AccessControl, clock: Clock): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    const { credential, principal } = request
    const isBySession = credential?.kind === 'session' && credential.isCookie
    // A handler that sets the cookie itself, as a logout does, has the last word.
    if (!isBySession || reply.statusCode >= 400 || reply.hasHeader('set-cookie')) {
      done(null, payload)
      return
    }
    const { claims } = credential
    const isYoung = claims.expiresAtMs - clock.now() > access.sessionMs / 2
    if (isYoung || clock.now() - claims.startedAtMs > renewedForMs || principal.name === null) {
      done(null, payload)
      return
    }
    const { role, version } = claims
    access.sessions.sign({ userName: principal.name, role, version, renews: claims }).then(
      ({ token }) => {
        setCookie(request, reply, token, access.sessionMs)
        done(null, payload)
      },
      // Without a new token the old one serves to its end.
      () => done(null, payload),
    )
  })
}
