import type { FastifyInstance } from 'fastify'
import type { HttpContext } from '../context.ts'
import { describeCall } from '../openapi.ts'
import { queryOf } from '../query.ts'

/** What a dashboard draws beside lists and totals. */
export function addOverviewRoutes(app: FastifyInstance, { engineOf }: HttpContext): void {
  app.route({
    method: 'GET',
    url: '/api/types',
    schema: describeCall({
      operationId: 'types',
      access: 'tasks.submit',
      tag: 'tasks',
      summary: 'The types of tasks that live workers take',
      description: 'For a form: each with the JSON Schema that a worker published, and the queues it is taken from.',
      replies: { 200: ['The types, in the order of their names', 'TaskTypes'] },
    }),
    handler: async request => ({ types: await engineOf(request).types() }),
  })
  app.route({
    method: 'GET',
    url: '/api/failures',
    schema: describeCall({
      operationId: 'failures',
      access: 'overview.read',
      tag: 'tasks',
      summary: 'Failed tasks by their cause',
      description:
        'Of one cause are tasks of one type whose errors have one code, and messages that differ in numbers, ids, paths and quoted texts only. `fingerprint` as a filter lists the tasks of one, or retries them all by POST /api/tasks/bulk. A task that was started anew is in no group any more.',
      query: {
        type: 'object',
        additionalProperties: false,
        properties: {
          hours: {
            type: 'integer',
            minimum: 1,
            maximum: hoursMax,
            description: 'Failed within so long; 24 if not said.',
          },
        },
      },
      replies: { 200: ['The groups, those first that failed last', 'FailureGroups'] },
    }),
    handler: async request => {
      const { hours = 24 } = queryOf<{ readonly hours?: number }>(request)
      return { groups: await engineOf(request).failures(hours * 3_600_000) }
    },
  })
}

/** A month: failed tasks are not kept for ever. */
const hoursMax = 744
