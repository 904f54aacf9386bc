import type { FastifyInstance } from 'fastify'
import type { HttpContext } from '../context.ts'
import { describeCall } from '../openapi.ts'

/** What a person should look at, for a page and for a script. */
export function addAttentionRoute(app: FastifyInstance, { engineOf }: HttpContext): void {
  app.route({
    method: 'GET',
    url: '/api/attention',
    schema: describeCall({
      operationId: 'attention',
      access: 'overview.read',
      tag: 'tasks',
      summary: 'What needs attention',
      description:
        'Alerts that fire and are not silenced, first. Then, as far as no such alert is about it: queues and types that no live worker serves, workers that were lost, groups of failures of the last day, tasks that wait for long at the head of their line, scheduled tasks that are behind, and paused queues with tasks. It costs the same however many tasks wait.',
      replies: { 200: ['The items, the worst first', 'Attention'] },
    }),
    handler: async request => engineOf(request).attention(),
  })
}
