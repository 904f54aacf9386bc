import { nameSchema, type QueueChange } from '@tasklane/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Problem } from '../../core/problem.ts'
import type { HttpContext } from '../context.ts'
import { bodyOf } from '../json-body.ts'
import { describeCall } from '../openapi.ts'
import { createSchemaCheck, validationProblem } from '../schema-check.ts'
import { isName } from '../worker-input.ts'

const params = { name: 'The name of the queue.' }
const checkQueueName = createSchemaCheck({ type: 'object', properties: { queue: nameSchema } })

export function addQueueRoutes(app: FastifyInstance, { engineOf }: HttpContext): void {
  app.route({
    method: 'GET',
    url: '/api/queues',
    schema: describeCall({
      operationId: 'queues',
      access: 'queues.read',
      tag: 'queues',
      summary: 'All queues: depth, oldest age, rates',
      replies: { 200: ['The queues', 'QueueList'] },
    }),
    handler: async request => ({ queues: await engineOf(request).queues() }),
  })
  app.route({
    method: 'GET',
    url: '/api/queues/:name',
    schema: describeCall({
      operationId: 'queue',
      access: 'queues.read',
      tag: 'queues',
      summary: 'One queue',
      params,
      replies: { 200: ['The queue', 'Queue'] },
      refuses: ['queue_unknown'],
    }),
    handler: request => {
      const name = nameOf(request)
      if (!isName(name)) throw new Problem('queue_unknown')
      return engineOf(request).queue(name)
    },
  })
  app.route({
    method: 'PATCH',
    url: '/api/queues/:name',
    schema: describeCall({
      operationId: 'setQueue',
      access: 'queues.change',
      audit: 'queue.pause',
      tag: 'queues',
      summary: 'Pause or resume a queue',
      description:
        'From a paused queue nothing is claimed; what runs goes on. A queue that does not exist yet is made. A reason is kept with who paused it and when, until it is resumed. On a queue that is paused already, another reason replaces all three; the same one, or none, changes nothing.',
      params,
      body: 'QueueSettings',
      replies: { 200: ['The queue', 'Queue'] },
    }),
    handler: request => {
      const name = nameOf(request)
      const problem = checkQueueName({ queue: name })
      if (problem !== null) throw problem
      const { paused: isPaused, reason: said = null } = bodyOf<QueueChange>(request)
      const reason = said === null || said.trim() === '' ? null : said.trim()
      if (!isPaused) {
        request.audited = { action: 'queue.resume' }
        if (reason !== null) throw validationProblem([{ pointer: '/reason', detail: reasonOfResume }])
        return engineOf(request).setQueue(name, { isPaused })
      }
      request.audited = { reason }
      return engineOf(request).setQueue(name, { isPaused, reason, by: request.principal.name })
    },
  })
}

const reasonOfResume = "Field 'reason' says why a queue is paused; leave it out with 'paused': false."

function nameOf(request: FastifyRequest): string {
  const { name } = request.params as { name: string } // The route's path has this parameter.
  return name
}
