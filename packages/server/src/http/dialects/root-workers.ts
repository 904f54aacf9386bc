import type { FastifyInstance } from 'fastify'
import type { HttpContext } from '../context.ts'
import { describeCall } from '../openapi.ts'
import { workerOf } from '../routes/workers.ts'

const tag = 'B: RabbitMQ and Redis'
const params = { id: 'The id of the worker.' }

/** `/workers` of dialect B. */
export function addRootWorkerRoutes(app: FastifyInstance, { engineOf }: HttpContext): void {
  app.route({
    method: 'GET',
    url: '/workers',
    schema: describeCall({
      operationId: 'rootWorkers',
      access: 'workers.read',
      tag,
      summary: 'All workers',
      replies: { 200: ['The workers', 'WorkerList'] },
    }),
    handler: async request => ({ workers: await engineOf(request).workers() }),
  })
  app.route({
    method: 'GET',
    url: '/workers/:id',
    schema: describeCall({
      operationId: 'rootWorker',
      access: 'workers.read',
      tag,
      summary: 'One worker',
      params,
      replies: { 200: ['The worker', 'Worker'] },
      refuses: ['worker_unknown'],
    }),
    handler: request => engineOf(request).worker(workerOf(request)),
  })
  app.route({
    method: 'DELETE',
    url: '/workers/:id',
    schema: describeCall({
      operationId: 'rootRemoveWorker',
      access: 'workers.change',
      audit: 'worker.deregister',
      tag,
      summary: 'Forget a worker; its tasks go back at once',
      params,
      replies: { 200: ['What was done', 'WorkerDeleted'] },
      refuses: ['worker_unknown'],
    }),
    handler: async request => {
      const id = workerOf(request)
      await engineOf(request).deregister(id)
      return { message: 'Worker removed', worker_id: id }
    },
  })
}
