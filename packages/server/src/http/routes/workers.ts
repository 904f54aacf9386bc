import type {
  ClaimRequest,
  HeartbeatReply,
  HeartbeatRequest,
  SettleReply,
  SettleRequest,
  WorkerLogReply,
  WorkerLogRequest,
  WorkerRegistration,
} from '@tasklane/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from '../../core/problem.ts'
import { type WorkerId, workerId } from '../../core/task.ts'
import type { ClaimedTask } from '../../ports/store.ts'
import type { HttpContext } from '../context.ts'
import { followDelivery } from '../delivery.ts'
import { bodyOf } from '../json-body.ts'
import { describeCall } from '../openapi.ts'
import { claimJson } from '../task-json.ts'
import { isName, isTaskId, readHeartbeat, readLogLines, readRegistration, readResults } from '../worker-input.ts'

const json = 'application/json; charset=utf-8'
const params = { id: 'The id of the worker.' }

/** The protocol of workers. Calls that end work are served while the node stops. */
export function addWorkerRoutes(app: FastifyInstance, context: HttpContext): void {
  addRegister(app, context)
  addClaim(app, context)
  addHeartbeat(app, context)
  addSettle(app, context)
  addLogs(app, context)
  addAdministration(app, context)
}

function addRegister(app: FastifyInstance, { engineOf }: HttpContext): void {
  app.route({
    method: 'POST',
    url: '/api/workers/register',
    schema: describeCall({
      operationId: 'registerWorker',
      access: 'workers.serve',
      tag: 'workers',
      alsoTag: 'C: challenge',
      summary: 'Register a worker, or change what it can do',
      description:
        'Ends a drain. The same id with another `instance` is another process: what the old one held goes back at once.',
      body: 'WorkerRegistration',
      replies: { 201: ['Registered', 'RegistrationReply'] },
    }),
    handler: async (request, reply) => {
      const registered = await engineOf(request).register(readRegistration(bodyOf<WorkerRegistration>(request)))
      return reply
        .code(201)
        .header('location', `/api/workers/${encodeURIComponent(registered.worker_id)}`)
        .send(registered)
    },
  })
}

function addClaim(app: FastifyInstance, context: HttpContext): void {
  app.route({
    method: 'POST',
    url: '/api/workers/:id/claim',
    config: { isLongPoll: true },
    schema: describeCall({
      operationId: 'claim',
      access: 'workers.serve',
      tag: 'workers',
      summary: 'Take tasks under a lease',
      description:
        'Waits up to `wait` seconds for work; an empty list means that there was none. `limit` is 1 if not said. A claim whose reply cannot be delivered is released at once and costs the task nothing. Repeated with the same `request_id`, it returns the same tasks. With `sparse`, members that are null or empty are left out.',
      params,
      body: 'ClaimRequest',
      replies: { 200: ['What was claimed', 'ClaimReply'] },
      refuses: ['worker_unknown', 'worker_draining'],
    }),
    handler: async (request, reply) => {
      const id = workerOf(request)
      const body = bodyOf<ClaimRequest>(request)
      const delivery = followDelivery(reply)
      const requestId = body.request_id ?? null
      const tasks = await context.engineOf(request).claim({
        workerId: id,
        limit: body.limit ?? 1,
        waitMs: Math.round((body.wait ?? 0) * 1_000),
        requestId,
        signal: delivery.signal,
      })
      if (context.isStopping()) reply.header('connection', 'close')
      if (tasks.length > 0) delivery.watch(() => giveBack(context, request, id, tasks, requestId))
      return reply.header('content-type', json).send(claimJson(tasks, body.sparse))
    },
  })
}

/** Nobody received these. Should giving them back fail too, their leases run out. */
function giveBack(
  { engineOf, log }: HttpContext,
  request: FastifyRequest,
  id: WorkerId,
  tasks: readonly ClaimedTask[],
  requestId: string | null,
): void {
  log.info({ worker_id: id, tasks: tasks.length }, 'Claim was not delivered; its tasks are released')
  engineOf(request)
    .releaseUndelivered(id, tasks, requestId)
    .catch((error: unknown) => {
      log.warn(
        { worker_id: id, tasks: tasks.length, err: error },
        'Undelivered tasks could not be released; their leases run out',
      )
    })
}

function addHeartbeat(app: FastifyInstance, { engineOf }: HttpContext): void {
  app.route({
    method: 'POST',
    url: '/api/workers/:id/heartbeat',
    config: { servesWhileStopping: true, tolerates: 'text' },
    schema: describeCall({
      operationId: 'heartbeat',
      access: 'workers.serve',
      tag: 'workers',
      alsoTag: 'C: challenge',
      summary: 'Prolong leases and hear what changed',
      description: 'Extends the leases of the tasks named; without `current_tasks`, of all that the worker holds.',
      params,
      body: 'HeartbeatRequest',
      replies: { 200: ['What to stop', 'HeartbeatReply'] },
      refuses: ['worker_unknown'],
    }),
    handler: async (request, reply) => {
      const { beat, impossible } = readHeartbeat(workerOf(request), bodyOf<HeartbeatRequest>(request))
      const answer = await engineOf(request).heartbeat(beat)
      const body: HeartbeatReply =
        impossible.length === 0 ? answer : { ...answer, lost: [...answer.lost, ...impossible] }
      return reply.header('content-type', json).send(JSON.stringify(body))
    },
  })
}

function addSettle(app: FastifyInstance, context: HttpContext): void {
  app.route({
    method: 'POST',
    url: '/api/workers/:id/settle',
    config: { servesWhileStopping: true, tolerates: { list: 'results', member: 'result' } },
    schema: describeCall({
      operationId: 'settle',
      access: 'workers.serve',
      tag: 'workers',
      summary: 'End attempts',
      description:
        'The fence is task, epoch and worker: a settle from a lease that was lost is `stale` and changes nothing; repeated, it is `applied` again. A result that cannot be kept fails its own task as `result_invalid` and no other; its verdict carries a `detail`. `result` counts with the outcome `completed` only. With `claim` it also claims, without waiting: the reply then has `tasks`. They are empty where the claim is refused, which spoils no result.',
      params,
      body: 'SettleRequest',
      replies: { 200: ['One verdict for each result, in order', 'SettleReply'] },
    }),
    handler: async (request, reply) => {
      const { id } = request.params as { id: string } // The route's path has this parameter.
      const body = bodyOf<SettleRequest>(request)
      const results = readResults(body, request.bodyFaults)
      const possible = isName(id) ? results.filter(result => isTaskId(result.taskId)) : []
      const settling: Promise<SettleReply['results']> =
        possible.length === 0 ? Promise.resolve([]) : context.engineOf(request).settle(workerId(id), possible)
      const claim = body.claim === undefined ? null : claimBeside(settling, context, request, reply, body.claim)
      const verdicts = await settling
      const told = possible.length === results.length ? verdicts : spread(results, possible, verdicts)
      const tasks = claim === null ? '' : `,${(await claim).slice(1, -1)}`
      return reply.header('content-type', json).send(`{"results":${JSON.stringify(told)}${tasks}}`)
    },
  })
}

/**
 * The claim of a settle, as a reply to a claim. It is begun before the settle is over, so that both share one commit, in
 * which a child that the settle releases can be claimed. It never rejects: whatever is wrong with it, the results count.
 */
async function claimBeside(
  settling: Promise<unknown>,
  context: HttpContext,
  request: FastifyRequest,
  reply: FastifyReply,
  ask: NonNullable<SettleRequest['claim']>,
): Promise<string> {
  if (context.isStopping()) return claimJson([])
  const delivery = followDelivery(reply)
  const { limit = 1, sparse } = ask
  const requestId = ask.request_id ?? null
  try {
    const id = workerOf(request)
    const tasks = await context
      .engineOf(request)
      .claim({ workerId: id, limit, waitMs: 0, requestId, signal: delivery.signal })
    const giveAllBack = (): void => giveBack(context, request, id, tasks, requestId)
    // A reply that tells of a failed settle brings no tasks.
    const isTold = await settling.then(
      () => true,
      () => false,
    )
    if (tasks.length > 0 && isTold) delivery.watch(giveAllBack)
    else if (tasks.length > 0) giveAllBack()
    return claimJson(tasks, sparse)
  } catch (error) {
    if (!(error instanceof Problem))
      context.log.error({ err: error }, 'A claim beside a settle met a fault of Tasklane')
    return claimJson([])
  }
}

/** Puts `unknown` where an id could name no task. */
function spread(
  results: readonly { readonly taskId: string }[],
  possible: readonly object[],
  verdicts: SettleReply['results'],
): SettleReply['results'] {
  const asked = new Map(possible.map((result, at) => [result, verdicts[at]]))
  return results.map(result => asked.get(result) ?? { task_id: result.taskId, verdict: 'unknown' })
}

function addLogs(app: FastifyInstance, { engineOf }: HttpContext): void {
  app.route({
    method: 'POST',
    url: '/api/workers/:id/logs',
    config: { servesWhileStopping: true, tolerates: 'text' },
    schema: describeCall({
      operationId: 'appendLogs',
      access: 'workers.serve',
      tag: 'workers',
      summary: 'Keep log lines of tasks that run',
      description:
        'Lines of a task that this worker does not hold, and lines beyond 10,000 a task, are dropped and counted.',
      params,
      body: 'WorkerLogRequest',
      replies: { 200: ['How many were kept', 'WorkerLogReply'] },
    }),
    handler: async (request): Promise<WorkerLogReply> => {
      const { id } = request.params as { id: string } // The route's path has this parameter.
      const body = bodyOf<WorkerLogRequest>(request)
      const lines = isName(id) ? readLogLines(body) : []
      const accepted = lines.length === 0 ? 0 : await engineOf(request).appendLogs(workerId(id), lines)
      return { accepted, dropped: body.logs.length - accepted }
    },
  })
}

function addAdministration(app: FastifyInstance, { engineOf }: HttpContext): void {
  app.route({
    method: 'POST',
    url: '/api/workers/:id/drain',
    schema: describeCall({
      operationId: 'drainWorker',
      access: 'workers.change',
      audit: 'worker.drain',
      tag: 'workers',
      summary: 'Let a worker finish what it holds and take no more',
      params,
      replies: { 200: ['The worker', 'Worker'] },
      refuses: ['worker_unknown'],
    }),
    handler: request => engineOf(request).drain(workerOf(request)),
  })
  app.route({
    method: 'DELETE',
    url: '/api/workers/:id',
    // Giving tasks back ends work, and schedulers and workers are often stopped together.
    config: { servesWhileStopping: true },
    schema: describeCall({
      operationId: 'removeWorker',
      access: 'workers.serve',
      audit: 'worker.deregister',
      tag: 'workers',
      summary: 'Deregister a worker',
      description: 'Its tasks go back at once and are not charged for it.',
      params,
      replies: { 204: ['Deregistered', null] },
      refuses: ['worker_unknown'],
    }),
    handler: async (request, reply) => {
      await engineOf(request).deregister(workerOf(request))
      return reply.code(204).send()
    },
  })
  app.route({
    method: 'GET',
    url: '/api/workers',
    schema: describeCall({
      operationId: 'workers',
      access: 'workers.read',
      tag: 'workers',
      alsoTag: 'C: challenge',
      summary: 'All workers',
      replies: { 200: ['The workers', 'WorkerList'] },
    }),
    handler: async request => ({ workers: await engineOf(request).workers() }),
  })
  app.route({
    method: 'GET',
    url: '/api/workers/:id',
    schema: describeCall({
      operationId: 'worker',
      access: 'workers.read',
      tag: 'workers',
      summary: 'One worker',
      params,
      replies: { 200: ['The worker', 'Worker'] },
      refuses: ['worker_unknown'],
    }),
    handler: request => engineOf(request).worker(workerOf(request)),
  })
}

/** What cannot be a name names no worker; no store is asked for it. */
export function workerOf(request: FastifyRequest): WorkerId {
  const { id } = request.params as { id: string } // The route's path has this parameter.
  if (!isName(id)) throw new Problem('worker_unknown')
  return workerId(id)
}
