import type { Health } from '@tasklane/protocol'
import type { FastifyInstance } from 'fastify'
import { Problem } from '../../core/problem.ts'
import type { HttpContext } from '../context.ts'
import { describeCall } from '../openapi.ts'
import { noQuery } from '../query.ts'

/** How this node is. Nothing here needs a token, and all of it is served while the node stops. */
export function addHealthRoutes(app: FastifyInstance, context: HttpContext): void {
  const { engine } = context
  app.route({
    method: 'GET',
    url: '/livez',
    config: { servesWhileStopping: true },
    schema: describeCall({
      operationId: 'live',
      access: 'public',
      tag: 'health',
      summary: 'Is the process alive?',
      description: '200 as long as the process answers at all; a supervisor restarts it otherwise.',
      replies: { 200: ['Alive', 'Health'] },
    }),
    handler: () => healthOf(context, context.isStopping() ? 'stopping' : 'ok', 'ok'),
  })
  app.route({
    method: 'GET',
    url: '/readyz',
    config: { servesWhileStopping: true },
    schema: describeCall({
      operationId: 'ready',
      access: 'public',
      tag: 'health',
      summary: 'Should this node be sent requests?',
      refuses: ['store_unavailable', 'stopping'],
      replies: { 200: ['Ready', 'Health'] },
    }),
    handler: async () => {
      if (context.isStopping()) throw new Problem('stopping')
      await engine.checkReady()
      return healthOf(context, 'ok', 'ok')
    },
  })
  app.route({
    method: 'GET',
    url: '/health',
    config: { servesWhileStopping: true },
    schema: describeCall({
      operationId: 'health',
      access: 'public',
      tag: 'health',
      alsoTag: 'B: RabbitMQ and Redis',
      summary: 'How this node is',
      replies: { 200: ['Well', 'Health'], 503: ['Stopping, or without its store', 'Health'] },
    }),
    handler: async (_request, reply) => {
      const health = await readHealth(context)
      if (health.status !== 'ok') reply.code(503).header('retry-after', 1)
      return reply.send(health)
    },
  })
  app.route({
    method: 'GET',
    url: '/api/stats',
    schema: describeCall({
      operationId: 'stats',
      access: 'stats.read',
      tag: 'health',
      summary: 'Totals and rates',
      query: noQuery,
      refuses: ['store_unavailable', 'stopping'],
      replies: { 200: ['The figures', 'Stats'] },
    }),
    handler: request => context.engineOf(request).stats(),
  })
}

async function readHealth(context: HttpContext): Promise<Health> {
  try {
    await context.engine.checkReady()
    return healthOf(context, context.isStopping() ? 'stopping' : 'ok', 'ok')
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const isStopping = context.isStopping() || error.code === 'stopping'
    return healthOf(context, isStopping ? 'stopping' : 'unavailable', error.code === 'stopping' ? 'ok' : 'unavailable')
  }
}

function healthOf(context: HttpContext, status: Health['status'], store: Health['store']): Health {
  return { status, store, version: context.version, uptime_seconds: context.uptimeSeconds() }
}
