import type { SessionReply, TokenReply } from '@tasklane/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { accessOf } from '../../core/access.ts'
import { Problem } from '../../core/problem.ts'
import { clearCookie, isFromOurPages, setCookie } from '../auth/cookie.ts'
import { addFormParser } from '../auth/form-body.ts'
import type { Asker, Login } from '../auth/logins.ts'
import type { HttpContext } from '../context.ts'
import { formatInstant } from '../instant.ts'
import { bodyOf } from '../json-body.ts'
import { describeCall } from '../openapi.ts'
import { refusalOf, sendProblem } from '../problems.ts'
import { type QuerySchema, queryOf } from '../query.ts'

interface LoginForm {
  readonly grant_type?: string
  readonly username: string
  readonly password: string
}

/** Coming in and going out: by token for programs, by cookie for the dashboard. */
export function addLoginRoutes(app: FastifyInstance, context: HttpContext): void {
  app.register(async scope => {
    addFormParser(scope)
    addToken(scope, context)
  })
  addSession(app, context)
  addLogout(app, context)
}

/** Words of OAuth 2 (RFC 6749, 5.2) beside the problem's own, for clients that look for them. */
const oauthErrors: Readonly<Record<string, string>> = {
  login_refused: 'invalid_grant',
  validation_failed: 'invalid_request',
  request_invalid: 'invalid_request',
  media_type_unsupported: 'invalid_request',
  too_many_requests: 'slow_down',
}

function addToken(app: FastifyInstance, { access }: HttpContext): void {
  app.route({
    method: 'POST',
    url: '/token',
    schema: describeCall({
      operationId: 'login',
      access: 'public',
      tag: 'accounts',
      alsoTag: 'A: advanced',
      summary: 'Log in by name and password',
      description:
        'The password grant of OAuth 2, as a form. `grant_type` is `password` or left out; `scope`, `client_id` and `client_secret` may be there and say nothing. A refusal carries `error` as OAuth 2 has it, beside `detail`.',
      body: 'LoginForm',
      consumes: ['application/x-www-form-urlencoded'],
      query: null,
      replies: { 200: ['The session token', 'TokenReply'] },
      refuses: ['login_refused', 'too_many_requests', 'overloaded'],
    }),
    errorHandler: (error, _request, reply) => {
      const { problem, status, isFault } = refusalOf(error)
      if (isFault) throw error
      const word = oauthErrors[problem.code]
      sendProblem(reply, problem, status, word === undefined ? {} : { error: word })
    },
    handler: async (request, reply) => {
      const { grant_type: grant = 'password', username, password } = bodyOf<LoginForm>(request)
      if (grant !== 'password') {
        const problem = new Problem(
          'validation_failed',
          "The only 'grant_type' is 'password'; leave it out or send that.",
        )
        return sendProblem(reply, problem, 422, { error: 'unsupported_grant_type' })
      }
      return tokenReply(await access.logins.login(username, password, askerOf(request)), access.sessionMs)
    },
  })
}

export function tokenReply({ token, user }: Login, sessionMs: number): TokenReply {
  return {
    access_token: token,
    token_type: 'bearer',
    expires_in: Math.ceil(sessionMs / 1_000),
    scope: accessOf(user.role).join(' '),
  }
}

export function askerOf(request: FastifyRequest): Asker {
  return { address: request.ip, requestId: request.id }
}

export function sendSession(
  request: FastifyRequest,
  reply: FastifyReply,
  login: Login,
  sessionMs: number,
): FastifyReply {
  setCookie(request, reply, login.token, sessionMs)
  const { user, claims } = login
  const body: SessionReply = { name: user.name, role: user.role, expires_at: formatInstant(claims.expiresAtMs) }
  return reply.send(body)
}

function addSession(app: FastifyInstance, { access }: HttpContext): void {
  app.route({
    method: 'POST',
    url: '/api/session',
    schema: describeCall({
      operationId: 'beginSession',
      access: 'public',
      tag: 'accounts',
      summary: 'Log a browser in',
      description:
        'Sets a cookie that no script can read. It is honoured only from pages of this very host, and where something may change only with the header `X-Requested-With: tasklane`, which this call needs, too. It renews itself while it is used, up to 12 hours.',
      body: 'SessionRequest',
      headers: { 'X-Requested-With': '`tasklane`' },
      replies: { 200: ['Who came in', 'SessionReply'] },
      refuses: ['login_refused', 'forbidden', 'too_many_requests', 'overloaded'],
    }),
    handler: async (request, reply) => {
      // Another site's page must not log its visitor in as somebody.
      if (!isFromOurPages(request)) {
        throw new Problem('forbidden', 'A session begins from a page of this host: send `X-Requested-With: tasklane`.')
      }
      const { username, password } = bodyOf<LoginForm>(request)
      const login = await access.logins.login(username, password, askerOf(request))
      return sendSession(request, reply, login, access.sessionMs)
    },
  })
}

const logoutQuery: QuerySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    everywhere: { enum: ['true', 'false'], description: '`true` ends all sessions of the user, at every node.' },
  },
}

function addLogout(app: FastifyInstance, { access, clock }: HttpContext): void {
  app.route({
    method: 'DELETE',
    url: '/api/session',
    config: { servesWhileStopping: true },
    schema: describeCall({
      operationId: 'endSession',
      access: 'self',
      audit: 'logout',
      tag: 'accounts',
      summary: 'Log out',
      description:
        'Ends this session. Where there is none, nothing happens. Service tokens are revoked by DELETE /api/tokens.',
      query: logoutQuery,
      replies: { 204: ['Logged out', null] },
    }),
    handler: async (request, reply) => {
      const { credential, principal } = request
      request.audited = { subject: principal.name }
      if (credential?.kind === 'session' && principal.name !== null) {
        const isEverywhere = queryOf<{ everywhere?: string }>(request).everywhere === 'true'
        // A renewed token of this session runs out no later than one that was signed now.
        const untilMs = clock.now() + access.sessionMs + 1_000
        if (isEverywhere || !access.logouts.add(credential.claims.sid, untilMs)) {
          request.audited = { action: 'logout.everywhere', subject: principal.name }
          await access.accounts.changeUser(principal.name, { endsSessions: true })
          access.directory.invalidate()
        }
      }
      clearCookie(request, reply)
      return reply.code(204).send()
    },
  })
}
