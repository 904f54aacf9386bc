import type { Me, PasswordChange } from '@tasklane/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { accessOf } from '../../core/access.ts'
import { Problem } from '../../core/problem.ts'
import type { Credential } from '../auth/authenticate.ts'
import { setCookie } from '../auth/cookie.ts'
import { isAsMade } from '../auth/first-admin.ts'
import { passwordFault } from '../auth/passwords.ts'
import type { HttpContext } from '../context.ts'
import { formatInstant } from '../instant.ts'
import { bodyOf } from '../json-body.ts'
import { describeCall } from '../openapi.ts'
import { refusal } from '../task-input.ts'
import { askerOf, tokenReply } from './login.ts'

/** What a caller may know and change of itself. */
export function addMeRoutes(app: FastifyInstance, context: HttpContext): void {
  app.route({
    method: 'GET',
    url: '/api/me',
    schema: describeCall({
      operationId: 'me',
      access: 'self',
      tag: 'accounts',
      summary: 'Who the caller is, and what it may do',
      replies: { 200: ['The caller', 'Me'] },
    }),
    handler: request => meOf(request, context),
  })
  addPasswordChange(app, context)
}

function meOf({ principal, credential }: FastifyRequest, { access, whereabouts }: HttpContext): Me {
  const expiresAtMs = credential?.kind === 'session' ? credential.claims.expiresAtMs : (credential?.expiresAtMs ?? null)
  return {
    name: principal.name,
    role: principal.role,
    kind: principal.kind,
    auth: access.mode,
    queues: principal.queues,
    types: principal.types,
    expires_at: expiresAtMs === null ? null : formatInstant(expiresAtMs),
    may: accessOf(principal.role),
    trace_url: whereabouts.traceUrl,
    first_password: isByFirstPassword(credential, access),
  }
}

/** What was configured somebody chose; what was printed stands in a terminal, or in the log of a container. */
function isByFirstPassword(credential: Credential | null, { firstPassword }: HttpContext['access']): boolean {
  if (credential?.kind !== 'session' || firstPassword !== 'printed') return false
  // A session counts only while the user has the version that it says.
  return isAsMade({ name: credential.claims.userName, version: credential.claims.version })
}

function addPasswordChange(app: FastifyInstance, { access }: HttpContext): void {
  app.route({
    method: 'POST',
    url: '/api/me/password',
    schema: describeCall({
      operationId: 'changeOwnPassword',
      access: 'self',
      audit: 'user.password',
      tag: 'accounts',
      summary: 'Change one’s own password',
      description:
        'Ends all sessions of the user, also this one; the reply is a new one (and a new cookie, where the call came by cookie). `current` is guarded against guessing as a login is.',
      body: 'PasswordChange',
      replies: { 200: ['A new session token', 'TokenReply'] },
      refuses: ['login_refused', 'overloaded'],
    }),
    handler: async (request, reply) => {
      const { principal, credential } = request
      request.audited = { subject: principal.name }
      if (principal.kind !== 'user' || principal.name === null) {
        throw new Problem('forbidden', 'Only a user who is logged in has a password to change.')
      }
      const { current, new: next } = bodyOf<PasswordChange>(request)
      const fault = passwordFault(next, principal.name)
      if (fault !== null) throw refusal('/new', fault)
      await access.logins.confirm(principal.name, current, askerOf(request))
      const passwordHash = await access.passwords.hash(next)
      const user = await access.accounts.changeUser(principal.name, { passwordHash })
      access.directory.invalidate()
      if (user === null || user === 'last_admin') throw new Error('Assertion failed: who is logged in is a user')
      const login = await access.logins.begin(user)
      if (credential?.kind === 'session' && credential.isCookie)
        setCookie(request, reply, login.token, access.sessionMs)
      return tokenReply(login, access.sessionMs)
    },
  })
}
