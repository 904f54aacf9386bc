import { createUuidV7, type NewServiceToken, type ServiceToken, type ServiceTokenDraft } from '@tasklane/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Problem } from '../../core/problem.ts'
import type { TokenRecord } from '../../ports/accounts.ts'
import { isUserName } from '../auth/logins.ts'
import { digestOf, newTokenSecret } from '../auth/session-tokens.ts'
import type { HttpContext } from '../context.ts'
import { formatInstant } from '../instant.ts'
import { bodyOf } from '../json-body.ts'
import { describeCall } from '../openapi.ts'
import { refusal } from '../task-input.ts'

/** Service tokens, for workers and programs. The secret is in the reply that makes one, and nowhere else. */
export function addTokenRoutes(app: FastifyInstance, context: HttpContext): void {
  const { accounts } = context.access
  app.route({
    method: 'GET',
    url: '/api/tokens',
    schema: describeCall({
      operationId: 'tokens',
      access: 'accounts',
      tag: 'accounts',
      summary: 'All service tokens, without their secrets',
      replies: { 200: ['The tokens, newest first', 'ServiceTokenList'] },
    }),
    handler: async () => {
      const nowMs = context.clock.now()
      return { tokens: (await accounts.tokens()).map(token => tokenOf(token, nowMs)) }
    },
  })
  addCreate(app, context)
  addRevoke(app, context)
}

function addCreate(app: FastifyInstance, { access, clock }: HttpContext): void {
  const newId = createUuidV7(clock.now, clock.fillRandom)
  app.route({
    method: 'POST',
    url: '/api/tokens',
    schema: describeCall({
      operationId: 'createToken',
      access: 'accounts',
      audit: 'token.create',
      tag: 'accounts',
      summary: 'Create a service token',
      description:
        '`token` of the reply is the secret; it is shown this once. With `queues` or `types` the token submits to these only, and acts only for workers that are registered for nothing else.',
      body: 'ServiceTokenDraft',
      replies: { 201: ['The token, with its secret', 'NewServiceToken'] },
      refuses: ['token_exists'],
    }),
    handler: async (request, reply) => {
      const { name, role, queues = null, types = null, expires_in: lasts = null } = bodyOf<ServiceTokenDraft>(request)
      request.audited = { subject: name }
      if ((role === 'admin' || role === 'viewer') && (queues !== null || types !== null)) {
        throw refusal(
          queues === null ? '/types' : '/queues',
          `A token of the role ${role} cannot be limited to queues or types; choose worker, submitter or operator.`,
        )
      }
      const secret = newTokenSecret(clock)
      const token = await access.accounts.createToken({
        id: newId(),
        name,
        hash: digestOf(secret),
        role,
        queues: queues === null ? null : [...new Set(queues)],
        types: types === null ? null : [...new Set(types)],
        createdBy: request.principal.name,
        lastsMs: lasts === null ? null : Math.ceil(lasts * 1_000),
      })
      if (token === null) throw new Problem('token_exists', `A living token is named '${name}'.`)
      access.directory.invalidate()
      const body: NewServiceToken = { ...tokenOf(token, clock.now()), token: secret }
      return reply.code(201).send(body)
    },
  })
}

function addRevoke(app: FastifyInstance, { access }: HttpContext): void {
  app.route({
    method: 'DELETE',
    url: '/api/tokens/:id',
    schema: describeCall({
      operationId: 'revokeToken',
      access: 'accounts',
      audit: 'token.revoke',
      tag: 'accounts',
      summary: 'Revoke a service token',
      params: { id: 'The id of the token, or the name of a living one.' },
      replies: { 204: ['Revoked', null] },
      refuses: ['token_unknown'],
    }),
    handler: async (request, reply) => {
      const id = idOf(request)
      const token = await access.accounts.revokeToken(id)
      access.directory.invalidate()
      if (token === null) throw new Problem('token_unknown', `No token has the id or the name '${id}'.`)
      request.audited = { subject: token.name }
      return reply.code(204).send()
    },
  })
}

/** Ids have the letters of names. */
function idOf(request: FastifyRequest): string {
  const { id } = request.params as { id: string } // The route's path has this parameter.
  if (!isUserName(id)) throw new Problem('token_unknown')
  return id
}

function tokenOf(token: TokenRecord, nowMs: number): ServiceToken {
  const time = (ms: number | null): string | null => (ms === null ? null : formatInstant(ms))
  return {
    token_id: token.id,
    name: token.name,
    role: token.role,
    queues: token.queues,
    types: token.types,
    created_by: token.createdBy,
    created_at: formatInstant(token.createdAtMs),
    expires_at: time(token.expiresAtMs),
    revoked_at: time(token.revokedAtMs),
    last_used_at: time(token.lastUsedAtMs),
    status: statusOf(token, nowMs),
  }
}

function statusOf({ revokedAtMs, expiresAtMs }: TokenRecord, nowMs: number): ServiceToken['status'] {
  if (revokedAtMs !== null) return 'revoked'
  return expiresAtMs !== null && expiresAtMs <= nowMs ? 'expired' : 'active'
}
