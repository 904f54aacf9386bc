import {
  type Attempt,
  type BulkRequest,
  isFinished,
  type Json,
  type LogPage,
  limits,
  type ProblemDetail,
  type TaskError,
  type TaskGraph,
} from '@tasklane/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from '../../core/problem.ts'
import { type JsonText, type TaskId, type TaskRecord, taskId } from '../../core/task.ts'
import type { BulkAsk } from '../../engine/engine.ts'
import type { AttemptRecord, GraphRecord, LogRecord } from '../../ports/store.ts'
import type { HttpContext } from '../context.ts'
import { followDelivery } from '../delivery.ts'
import { formatInstant } from '../instant.ts'
import { bodyOf } from '../json-body.ts'
import { describeCall } from '../openapi.ts'
import { type QuerySchema, queryOf } from '../query.ts'
import { validationProblem } from '../schema-check.ts'
import { readTaskFilter } from '../task-filter.ts'
import { parentsJson, parentsUrl, taskJson } from '../task-json.ts'
import { isTaskId } from '../worker-input.ts'

const json = 'application/json; charset=utf-8'
const params = { id: 'The id of the task.' }

/** One task: what is known of it, and the verbs that move it. */
export function addTaskVerbRoutes(app: FastifyInstance, context: HttpContext): void {
  addReads(app, context)
  addParents(app, context)
  addResult(app, context)
  addVerbs(app, context)
  addBulk(app, context)
}

function addReads(app: FastifyInstance, { engineOf }: HttpContext): void {
  app.route({
    method: 'GET',
    url: '/api/tasks/:id',
    schema: describeCall({
      operationId: 'get',
      access: 'tasks.read',
      tag: 'tasks',
      alsoTag: 'C: challenge',
      summary: 'One task',
      params,
      replies: { 200: ['The task', 'Task'] },
      refuses: ['task_unknown'],
    }),
    handler: async (request, reply) => sendTask(reply, await engineOf(request).task(idOf(request))),
  })
  app.route({
    method: 'GET',
    url: '/api/tasks/:id/attempts',
    schema: describeCall({
      operationId: 'attempts',
      access: 'tasks.read',
      tag: 'tasks',
      summary: 'The tries of a task, oldest first',
      params,
      replies: { 200: ['The tries', 'AttemptList'] },
      refuses: ['task_unknown'],
    }),
    handler: async request => ({ attempts: (await engineOf(request).attempts(idOf(request))).map(attemptOf) }),
  })
  app.route({
    method: 'GET',
    url: '/api/tasks/:id/logs',
    schema: describeCall({
      operationId: 'logs',
      access: 'tasks.read',
      tag: 'tasks',
      summary: 'The log lines of a task',
      params,
      query: logsQuery,
      replies: { 200: ['Lines after `after`', 'LogPage'] },
      refuses: ['task_unknown'],
    }),
    handler: async request => {
      const { after = 0, limit = limits.logLinesPerCallMax } = queryOf<{ after?: number; limit?: number }>(request)
      return logPageOf(await engineOf(request).logs(idOf(request), after, limit), limit)
    },
  })
  app.route({
    method: 'GET',
    url: '/api/tasks/:id/graph',
    schema: describeCall({
      operationId: 'graph',
      access: 'tasks.read',
      tag: 'tasks',
      summary: 'The ancestors and descendants of a task',
      params,
      replies: { 200: ['Nodes and edges, nearest first', 'TaskGraph'] },
      refuses: ['task_unknown'],
    }),
    handler: async request => graphOf(await engineOf(request).graph(idOf(request))),
  })
  app.route({
    method: 'GET',
    url: '/api/tasks/:id/why',
    schema: describeCall({
      operationId: 'why',
      access: 'tasks.read',
      tag: 'tasks',
      summary: 'Why a task is not running',
      params,
      replies: { 200: ['The reasons, most important first', 'Why'] },
      refuses: ['task_unknown'],
    }),
    handler: request => engineOf(request).why(idOf(request)),
  })
}

const logsQuery: QuerySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    after: {
      type: 'integer',
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: '`next_after` of the page before.',
    },
    limit: { type: 'integer', minimum: 1, maximum: limits.logLinesPerCallMax },
  },
}

const parentsQuery: QuerySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    from: { type: 'integer', minimum: 0, maximum: limits.dependenciesMax, description: 'Position in `dependencies`.' },
  },
}

function addParents(app: FastifyInstance, { engineOf }: HttpContext): void {
  app.route({
    method: 'GET',
    url: '/api/tasks/:id/parents',
    schema: describeCall({
      operationId: 'parents',
      access: 'parents.read',
      tag: 'tasks',
      summary: 'The outcomes of the parents of a task, page by page',
      description: 'Pages hold about 1 MiB. A parent that has been pruned is told with an error of code `pruned`.',
      params,
      query: parentsQuery,
      replies: { 200: ['One page', 'ParentsPage'] },
      refuses: ['task_unknown'],
    }),
    handler: async (request, reply) => {
      const id = idOf(request)
      const { from = 0 } = queryOf<{ from?: number }>(request)
      const engine = engineOf(request)
      const task = await engine.task(id)
      const parents = from < task.dependencies.length ? await engine.parents(id, from) : []
      const read = from + parents.length
      const next = parents.length > 0 && read < task.dependencies.length ? parentsUrl(id, read) : null
      return reply
        .header('content-type', json)
        .send(`{"parents":${parentsJson(parents)},"next":${JSON.stringify(next)}}`)
    },
  })
}

const resultQuery: QuerySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    wait: {
      type: 'number',
      minimum: 0,
      maximum: limits.waitSecondsMax,
      description: 'Seconds to wait for the end; 0 if not said.',
    },
  },
}

function addResult(app: FastifyInstance, { engineOf, isStopping }: HttpContext): void {
  app.route({
    method: 'GET',
    url: '/api/tasks/:id/result',
    config: { isLongPoll: true },
    schema: describeCall({
      operationId: 'wait',
      access: 'tasks.read',
      tag: 'tasks',
      summary: 'Wait until a task has finished',
      params,
      query: resultQuery,
      replies: { 200: ['The finished task', 'Task'], 202: ['The task, which has not finished yet', 'Task'] },
      refuses: ['task_unknown'],
    }),
    handler: async (request, reply) => {
      const { wait = 0 } = queryOf<{ wait?: number }>(request)
      const { signal } = followDelivery(reply)
      const task = await engineOf(request).waitForResult(idOf(request), Math.round(wait * 1_000), signal)
      if (isStopping()) reply.header('connection', 'close')
      return sendTask(reply.code(isFinished(task.state) ? 200 : 202), task)
    },
  })
}

function addVerbs(app: FastifyInstance, { engineOf }: HttpContext): void {
  app.route({
    method: 'POST',
    url: '/api/tasks/:id/cancel',
    schema: describeCall({
      operationId: 'cancel',
      access: 'tasks.change',
      audit: 'task.cancel',
      tag: 'tasks',
      summary: 'Cancel a task',
      description:
        'A waiting task ends at once. A running one is marked: its worker is asked to stop, and a success that it still reports wins.',
      params,
      body: 'CancelRequest',
      replies: { 200: ['The task after the call', 'Task'] },
      refuses: ['task_unknown', 'task_finished'],
    }),
    handler: async (request, reply) => {
      const { reason = null } = bodyOf<{ reason?: string }>(request)
      request.audited = { reason }
      return sendTask(reply, await engineOf(request).cancel(idOf(request), reason))
    },
  })
  app.route({
    method: 'POST',
    url: '/api/tasks/:id/retry',
    schema: describeCall({
      operationId: 'retry',
      access: 'tasks.change',
      audit: 'task.retry',
      tag: 'tasks',
      summary: 'Run a failed or cancelled task again',
      params,
      body: 'RetryRequest',
      replies: { 200: ['The task after the call', 'Task'] },
      refuses: ['task_unknown', 'task_not_retryable'],
    }),
    handler: async (request, reply) => {
      const withDependents = bodyOf<{ with_dependents?: boolean }>(request).with_dependents ?? false
      return sendTask(reply, await engineOf(request).retry(idOf(request), withDependents))
    },
  })
  app.route({
    method: 'PATCH',
    url: '/api/tasks/:id',
    schema: describeCall({
      operationId: 'reprioritise',
      access: 'tasks.change',
      audit: 'task.reprioritise',
      tag: 'tasks',
      summary: 'Change the priority of a waiting task',
      params,
      body: 'ReprioritiseRequest',
      replies: { 200: ['The task after the call', 'Task'] },
      refuses: ['task_unknown', 'task_not_waiting'],
    }),
    handler: async (request, reply) =>
      sendTask(
        reply,
        await engineOf(request).reprioritise(idOf(request), bodyOf<{ priority: number }>(request).priority),
      ),
  })
  app.route({
    method: 'DELETE',
    url: '/api/tasks/:id',
    schema: describeCall({
      operationId: 'remove',
      access: 'tasks.change',
      audit: 'task.delete',
      tag: 'tasks',
      summary: 'Delete a finished task with its tries and log lines',
      params,
      replies: { 204: ['Deleted', null] },
      refuses: ['task_unknown', 'task_unfinished', 'task_needed'],
    }),
    handler: async (request, reply) => {
      await engineOf(request).remove(idOf(request))
      return reply.code(204).send()
    },
  })
}

function addBulk(app: FastifyInstance, { engineOf }: HttpContext): void {
  app.route({
    method: 'POST',
    url: '/api/tasks/bulk',
    schema: describeCall({
      operationId: 'bulk',
      access: 'tasks.change',
      audit: 'task.bulk',
      tag: 'tasks',
      summary: 'Cancel, retry, re-prioritise or delete many tasks',
      description:
        'Names its tasks by `ids` or by `filter`, exactly one of the two; an empty filter is every task. With `dry_run` it only counts.',
      body: 'BulkRequest',
      replies: { 200: ['How many had which verdict', 'BulkReply'] },
    }),
    handler: request => {
      const ask = readBulk(bodyOf<BulkRequest>(request))
      request.audited = { action: `task.bulk_${ask.action}${ask.isDryRun ? '_dry_run' : ''}`, reason: ask.reason }
      return engineOf(request).bulk(ask)
    },
  })
}

function readBulk(body: BulkRequest): BulkAsk {
  const errors: ProblemDetail[] = []
  const refuse = (field: string, detail: string) => void errors.push({ pointer: `/${field}`, detail })
  if ((body.ids === undefined) === (body.filter === undefined)) {
    refuse(
      body.ids === undefined ? 'ids' : 'filter',
      "A bulk call takes either 'ids' or 'filter'; send exactly one of the two.",
    )
  }
  if (body.action === 'reprioritise' && body.priority === undefined) {
    refuse('priority', "Field 'priority' is missing; the action 'reprioritise' needs it.")
  }
  if (body.action !== 'reprioritise' && body.priority !== undefined) {
    refuse('priority', `Field 'priority' belongs to the action 'reprioritise'; leave it out of '${body.action}'.`)
  }
  if (body.action !== 'cancel' && body.reason !== undefined) {
    refuse('reason', `Field 'reason' belongs to the action 'cancel'; leave it out of '${body.action}'.`)
  }
  if (body.action !== 'retry' && body.with_dependents !== undefined) {
    refuse(
      'with_dependents',
      `Field 'with_dependents' belongs to the action 'retry'; leave it out of '${body.action}'.`,
    )
  }
  if (errors.length > 0) throw validationProblem(errors)
  return {
    action: body.action,
    target:
      body.ids === undefined
        ? { filter: readTaskFilter(body.filter ?? {}, '/filter/') }
        : { ids: [...new Set(body.ids)].map(taskId) },
    priority: body.priority ?? null,
    reason: body.reason ?? null,
    withDependents: body.with_dependents ?? false,
    isDryRun: body.dry_run ?? false,
  }
}

function sendTask(reply: FastifyReply, task: TaskRecord): FastifyReply {
  return reply.header('content-type', json).send(taskJson(task))
}

/** What cannot be an id names no task; no store is asked for it. */
function idOf(request: FastifyRequest): TaskId {
  const { id } = request.params as { id: string } // The route's path has this parameter.
  if (!isTaskId(id)) throw new Problem('task_unknown')
  return taskId(id)
}

function attemptOf(record: AttemptRecord): Attempt {
  return {
    attempt: record.attempt,
    epoch: record.epoch,
    worker_id: record.workerId,
    started_at: formatInstant(record.startedAtMs),
    ended_at: record.endedAtMs === null ? null : formatInstant(record.endedAtMs),
    outcome: record.outcome,
    error: errorOf(record.error),
  }
}

function errorOf(text: JsonText | null): TaskError | null {
  if (text === null) return null
  const parsed: Json = JSON.parse(text)
  return parsed as unknown as TaskError // Only errors of this shape are ever stored there.
}

function logPageOf(lines: readonly LogRecord[], limit: number): LogPage {
  const logs = lines.map(({ line, epoch, atMs, level, message }) => {
    return { line, epoch, time: formatInstant(atMs), level, message }
  })
  return { logs, next_after: logs.length < limit ? null : (logs.at(-1)?.line ?? null) }
}

function graphOf(graph: GraphRecord): TaskGraph {
  return {
    nodes: graph.tasks.map(task => ({
      task_id: task.id,
      task_type: task.type,
      name: task.name,
      status: task.state,
      started_at: task.startedAtMs === null ? null : formatInstant(task.startedAtMs),
      completed_at: task.finishedAtMs === null ? null : formatInstant(task.finishedAtMs),
    })),
    edges: graph.edges.map(({ parent, child, policy }) => ({ parent, child, on_failure: policy })),
    truncated: graph.isTruncated,
    edges_truncated: graph.areEdgesTruncated,
  }
}
