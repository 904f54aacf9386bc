import { anyName, type SettleRequest } from '@tasklane/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { isAllowed, seesOwnTasksOnly } from '../../core/access.ts'
import { Problem } from '../../core/problem.ts'
import { type TaskId, taskId, type WorkerId, workerId } from '../../core/task.ts'
import type { Engine, WorkerResult } from '../../engine/engine.ts'
import type { HttpContext } from '../context.ts'
import { bodyOf } from '../json-body.ts'
import { describeCall } from '../openapi.ts'
import { type QuerySchema, queryOf } from '../query.ts'
import { readSubmission, refusal, submitContext } from '../task-input.ts'
import { isName, isTaskId, readResults } from '../worker-input.ts'
import {
  countWords,
  type PullSubmission,
  type PullWord,
  pullTime,
  toPullTask,
  toSubmission,
  wordOf,
} from './pull-tasks.ts'
import { asKnown, handOut, registerPullWorker, report } from './pull-workers.ts'
import { takeForJson } from './untyped-bodies.ts'

const tag = 'E: pull scheduler'
const workerParams = { worker_id: 'The id of the worker; one that is not known is registered.' }

/** Dialect E. Its clients are loops in Python that look at the status of a reply and little else. */
export function addPullRoutes(app: FastifyInstance, context: HttpContext): void {
  addSubmit(app, context)
  addGetTask(app, context)
  addReport(app, context)
  addCancel(app, context)
  addStatus(app, context)
  addRegister(app, context)
  addHeartbeat(app, context)
  addUnregister(app, context)
}

/** Each call answers under `/scheduler`, too; the document tells that once. */
function addRoute(app: FastifyInstance, route: RouteOptions): void {
  // A HEAD must not take a task.
  const both: RouteOptions = { ...route, exposeHeadRoute: false, onRequest: takeForJson }
  app.route(both)
  app.route({
    ...both,
    url: `/scheduler${route.url}`,
    schema: { ...route.schema, hide: true },
  })
}

function addSubmit(app: FastifyInstance, context: HttpContext): void {
  addRoute(app, {
    method: 'POST',
    url: '/add_task',
    schema: describeCall({
      operationId: 'pullAddTask',
      access: 'tasks.submit',
      tag,
      summary: 'Submit a call of a function by its name',
      description:
        'The task is of the type `func_name`, and its payload is `{args, kwargs}`. Priorities outside 1 to 10 are clamped, which the header `Warning` says; an absent one is 0. An absent or null timeout is none. Three tries in all.',
      body: 'PullSubmission',
      replies: { 201: ['Submitted', 'PullAdded'], 200: ['Submitted before under this Idempotency-Key', 'PullAdded'] },
      refuses: ['task_conflict', 'dependency_unknown', 'overloaded'],
    }),
    handler: async (request, reply) => {
      const { submission, warning } = toSubmission(bodyOf<PullSubmission>(request), context.settings.taskRetries)
      const draft = readSubmission(context, submission, submitContext(request))
      const [submitted] = await context.engineOf(request).submit([draft])
      if (submitted === undefined) throw new Error('Assertion failed: a submit of one task has one outcome')
      if (warning !== null) reply.header('warning', warning)
      const { id } = submitted.record
      return reply
        .code(submitted.outcome === 'created' ? 201 : 200)
        .header('location', `/api/tasks/${encodeURIComponent(id)}`)
        .send({ message: 'Task added', task_id: id })
    },
  })
}

function addGetTask(app: FastifyInstance, { engineOf }: HttpContext): void {
  addRoute(app, {
    method: 'GET',
    url: '/get_task/:worker_id',
    schema: describeCall({
      operationId: 'pullGetTask',
      access: 'workers.serve',
      tag,
      summary: 'Take one task',
      description:
        'Answers at once. A worker holds one task: asking again, it is handed the same. It gets types that were submitted in this dialect, or those it registered for.',
      params: workerParams,
      replies: { 200: ['The task', 'PullTask'], 204: ['There is none', null] },
      refuses: ['origin_not_allowed'],
    }),
    handler: async (request, reply) => {
      refuseBrowsing(request)
      const task = await handOut(engineOf(request), request.principal, workerOf(request))
      return task === null ? reply.code(204).send() : reply.send(toPullTask(task))
    },
  })
}

/** The one GET that takes something away: whoever follows a link to it is no worker, and would have a task run out its lease. */
function refuseBrowsing({ headers }: FastifyRequest): void {
  // A script says its origin, and the door has judged that.
  const isEmbedded = headers['sec-fetch-site'] === 'cross-site' && headers.origin === undefined
  if (headers['sec-fetch-mode'] !== 'navigate' && !isEmbedded) return
  throw new Problem('origin_not_allowed', 'A browser that opens this address would take a task from the workers.')
}

interface Report {
  readonly task_id: string
  readonly status: 'COMPLETED' | 'FAILED' | 'TIMED_OUT' | 'CANCELED'
  readonly result?: NonNullable<SettleRequest['results'][number]['result']> | null
  readonly error_message?: string | null
  readonly worker_id: string
}

function addReport(app: FastifyInstance, { engineOf }: HttpContext): void {
  addRoute(app, {
    method: 'POST',
    url: '/task_status',
    // What a worker did must not be lost to a result that cannot be kept: it would be handed the task again for ever.
    config: { servesWhileStopping: true, tolerates: { member: 'result' } },
    schema: describeCall({
      operationId: 'pullReport',
      access: 'workers.serve',
      tag,
      summary: 'End the task that a worker was handed',
      description:
        'FAILED and TIMED_OUT are tried again while tries are left. Repeating the same word changes nothing. A word about a task that this worker no longer holds changes nothing, either, and is answered 200 with `applied` false: there is nothing that its loop could do about it.',
      body: 'PullReport',
      replies: { 200: ['Taken, or passed over', 'PullReported'] },
      refuses: ['task_unknown'],
    }),
    handler: async request => {
      const body = bodyOf<Report>(request)
      const engine = engineOf(request)
      const [id, worker] = [taskIdOf(body.task_id), workerId(body.worker_id)]
      const said = (epoch: number) => resultOf(body, epoch, request.bodyFaults)
      const isApplied = await report(engine, worker, id, said)
      // Whoever holds a task is known already.
      if (!isApplied) await asKnown(engine, request.principal, worker, () => engine.worker(worker))
      const told = isApplied
        ? { message: 'Task status updated', status: body.status }
        : { message: `Worker ${worker} does not hold this task; nothing was changed`, status: null }
      return { ...told, task_id: id, applied: isApplied }
    },
  })
}

/** The report as a worker's result under this epoch. */
function resultOf(body: Report, epoch: number, faults: ReadonlyMap<number, string> | null): WorkerResult {
  const { task_id, status, result, error_message: message } = body
  const code = { COMPLETED: 'error', FAILED: 'error', TIMED_OUT: 'timeout', CANCELED: 'cancelled' }[status]
  const [read] = readResults(
    {
      results: [
        status === 'COMPLETED'
          ? { task_id, epoch, outcome: 'completed', result: result ?? null }
          : { task_id, epoch, outcome: 'failed', error: { code, message: message || sentences[status] } },
      ],
    },
    faults,
  )
  if (read === undefined) throw new Error('Assertion failed: one result is read as one')
  return status === 'CANCELED' ? { ...read, outcome: 'cancelled' } : read
}

const sentences = {
  FAILED: 'The worker gave no reason.',
  TIMED_OUT: 'The attempt ran past its time limit.',
  CANCELED: 'The worker called it off.',
} as const

function addCancel(app: FastifyInstance, { engineOf }: HttpContext): void {
  addRoute(app, {
    method: 'POST',
    url: '/cancel_task/:task_id',
    schema: describeCall({
      operationId: 'pullCancel',
      access: 'tasks.change',
      audit: 'task.cancel',
      tag,
      summary: 'Cancel a task',
      description:
        'A waiting task ends at once. A running one is marked: a success that its worker still reports wins, and after 30 s it ends as cancelled.',
      params: { task_id: 'The id of the task.' },
      replies: { 200: ['Cancelled, or marked', 'PullCanceled'] },
      refuses: ['task_unknown', 'task_finished'],
    }),
    handler: async request => {
      const { task_id } = request.params as { task_id: string } // The route's path has this parameter.
      const status = await cancel(engineOf(request), taskIdOf(task_id))
      const message = status === 'RUNNING' ? 'Task is running; its worker is asked to stop' : 'Task canceled'
      return { message, task_id, status }
    },
  })
}

/** Once more is the same. */
async function cancel(engine: Engine, id: TaskId): Promise<PullWord> {
  try {
    return wordOf(await engine.cancel(id, null))
  } catch (error) {
    const isOver = error instanceof Problem && error.code === 'task_finished'
    if (isOver && (await wordNow(engine, id)) === 'CANCELED') return 'CANCELED'
    throw error
  }
}

function addStatus(app: FastifyInstance, { engineOf }: HttpContext): void {
  addRoute(app, {
    method: 'GET',
    url: '/status',
    schema: describeCall({
      operationId: 'pullStatus',
      access: 'stats.read',
      tag,
      summary: 'Totals of all tasks, and the workers',
      description: 'Of more than 10,000 failed tasks, TIMED_OUT counts among the newest 10,000.',
      replies: { 200: ['The figures', 'PullStatus'] },
    }),
    handler: async request => {
      const { principal } = request
      const engine = engineOf(request)
      const [stats, timedOut, workers] = await Promise.all([
        engine.stats(),
        engine.timedOut(seesOwnTasksOnly(principal) ? principal.name : null),
        isAllowed(principal.role, 'workers.read') ? engine.workers() : [],
      ])
      const details = workers.map(worker => [
        worker.worker_id,
        {
          status: worker.status,
          current_task: worker.current_tasks[0] ?? null,
          last_heartbeat: pullTime(worker.last_heartbeat),
          registered_at: pullTime(worker.registered_at),
        },
      ])
      return {
        total_tasks: stats.total,
        tasks_by_status: countWords(stats.tasks, timedOut),
        active_workers: stats.workers.active + stats.workers.draining,
        worker_details: Object.fromEntries(details),
      }
    },
  })
}

const registerQuery: QuerySchema = {
  type: 'object',
  additionalProperties: true,
  properties: {
    capabilities: {
      type: 'string',
      maxLength: 16_384,
      description:
        'The types this worker can run, separated by commas; `*` is all. Otherwise what was submitted in this dialect.',
    },
  },
}

function addRegister(app: FastifyInstance, { engineOf }: HttpContext): void {
  addRoute(app, {
    method: 'POST',
    url: '/register_worker/:worker_id',
    schema: describeCall({
      operationId: 'pullRegisterWorker',
      access: 'workers.serve',
      tag,
      summary: 'Register a worker',
      description:
        'No worker has to: any call of a worker registers it. A worker that registers and then asks for work has begun anew.',
      params: workerParams,
      query: registerQuery,
      replies: { 200: ['Registered', 'PullRegistered'] },
    }),
    handler: async request => {
      const { capabilities } = queryOf<{ capabilities?: string }>(request)
      const names = readCapabilities(capabilities)
      const registered = await registerPullWorker(engineOf(request), request.principal, workerOf(request), names)
      return { message: 'Worker registered', ...registered }
    },
  })
}

function readCapabilities(list: string | undefined): readonly string[] | null {
  if (list === undefined || list === '') return null
  const names = [...new Set(list.split(',').map(name => name.trim()))]
  const bad = names.find(name => name !== anyName && !isName(name))
  if (bad === undefined) return names.sort()
  throw refusal(
    'capabilities',
    `Query parameter 'capabilities' names '${bad.slice(0, 60)}', which is no type; separate types by commas, or send *.`,
  )
}

function addHeartbeat(app: FastifyInstance, { engineOf }: HttpContext): void {
  addRoute(app, {
    method: 'PUT',
    url: '/heartbeat/:worker_id',
    config: { servesWhileStopping: true },
    schema: describeCall({
      operationId: 'pullHeartbeat',
      access: 'workers.serve',
      tag,
      summary: 'Say that a worker lives',
      description: 'Extends the lease of the task that it was handed last.',
      params: workerParams,
      replies: { 200: ['Heard', 'PullHeartbeat'] },
    }),
    handler: async request => {
      const id = workerOf(request)
      const engine = engineOf(request)
      const beat = { workerId: id, systemInfo: null, currentTasks: null }
      const { cancel: cancelled } = await asKnown(engine, request.principal, id, () => engine.heartbeat(beat))
      return { message: 'Heartbeat received', worker_id: id, cancel: cancelled }
    },
  })
}

function addUnregister(app: FastifyInstance, { engineOf }: HttpContext): void {
  const handler = async (request: FastifyRequest, reply: FastifyReply) => {
    const id = workerOf(request)
    try {
      await engineOf(request).deregister(id)
    } catch (error) {
      // It is not there, which is what was asked for.
      if (!(error instanceof Problem && error.code === 'worker_unknown')) throw error
    }
    return reply.send({ message: 'Worker unregistered', worker_id: id })
  }
  const names = { '/unregister_worker/:worker_id': 'pullUnregisterWorker', '/unregister/:worker_id': 'pullUnregister' }
  for (const [url, operationId] of Object.entries(names)) {
    addRoute(app, {
      method: 'DELETE',
      url,
      config: { servesWhileStopping: true },
      schema: describeCall({
        operationId,
        access: 'workers.serve',
        audit: 'worker.deregister',
        tag,
        summary: 'A worker leaves',
        description: 'What it holds goes back at once, and no try is charged.',
        params: { worker_id: 'The id of the worker.' },
        replies: { 200: ['Gone', 'PullUnregistered'] },
      }),
      handler,
    })
  }
}

async function wordNow(engine: Engine, id: TaskId): Promise<PullWord> {
  return wordOf(await engine.task(id))
}

function taskIdOf(text: string): TaskId {
  if (!isTaskId(text)) throw new Problem('task_unknown')
  return taskId(text)
}

/** Whoever calls is registered, so that what can be no name is refused and not merely unknown. */
function workerOf(request: FastifyRequest): WorkerId {
  const { worker_id: text } = request.params as { worker_id: string } // The route's path has this parameter.
  if (isName(text)) return workerId(text)
  throw refusal(
    'worker_id',
    'The id of a worker has letters, digits and _ . : / - only, 128 at most, and begins with a letter, a digit or _.',
  )
}
