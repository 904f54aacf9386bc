import { limits, type TaskFilterQuery, type TaskSubmission } from '@tasklane/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from '../../core/problem.ts'
import { type TaskRecord, taskId } from '../../core/task.ts'
import type { Engine } from '../../engine/engine.ts'
import { userNumbers } from '../auth/user-numbers.ts'
import type { HttpContext } from '../context.ts'
import { bodyOf } from '../json-body.ts'
import { describeCall } from '../openapi.ts'
import { type QuerySchema, queryOf } from '../query.ts'
import { listQuery } from '../routes/tasks.ts'
import { readTaskFilter } from '../task-filter.ts'
import { readSubmission, refusal, submitContext } from '../task-input.ts'
import { taskJson } from '../task-json.ts'
import { isTaskId } from '../worker-input.ts'
import { takeForJson } from './untyped-bodies.ts'

/**
 * `/tasks` of the dialects A and B, which share one path and one shape: the task of the API proper with the integer
 * `id` and `user_id`. A body with a type is B's; one with a name alone is A's, and is simulated.
 */
export function addNumberedTaskRoutes(app: FastifyInstance, context: HttpContext): void {
  addSubmit(app, context)
  addReads(app, context)
  addComplete(app, context)
  addDelete(app, context)
}

const json = 'application/json; charset=utf-8'
const idParams = { id: 'A task id, or its number.' }

/** What a task with a name but no type runs as. */
const simulatedType = 'simulate'

type Nullable<T> = { readonly [Key in keyof T]?: T[Key] | null }

interface NamedSubmission extends Nullable<TaskSubmission> {
  readonly type?: string | null
  readonly data?: TaskSubmission['payload']
  readonly params?: TaskSubmission['payload']
}

function addSubmit(app: FastifyInstance, context: HttpContext): void {
  app.route({
    method: 'POST',
    url: '/tasks',
    onRequest: takeForJson,
    schema: describeCall({
      operationId: 'numberedSubmit',
      access: 'tasks.submit',
      tag: 'A: advanced',
      alsoTag: 'B: RabbitMQ and Redis',
      summary: 'Submit a task by its name, or by its type',
      description:
        'Dialects A and B. `{name, description}` alone is a task of the type `simulate`; with `task_type` (or `type`) and `payload` (or `data`, `params`) it is any task. The other fields are those of POST /api/tasks; null is as good as absent, and unknown fields are passed over.',
      body: 'NamedSubmission',
      headers: { 'Idempotency-Key': 'As in POST /api/tasks.' },
      replies: {
        201: ['The new task', 'NumberedTask'],
        200: ['The first task of this id or key', 'NumberedTask'],
      },
      refuses: ['task_conflict', 'dependency_unknown', 'dependency_self', 'overloaded'],
    }),
    handler: async (request, reply) => {
      const draft = readSubmission(context, toSubmission(bodyOf<NamedSubmission>(request)), submitContext(request))
      const [submitted] = await context.engineOf(request).submit([draft])
      if (submitted === undefined) throw new Error('Assertion failed: a submit of one task has one outcome')
      const { outcome, record } = submitted
      reply.code(outcome === 'created' ? 201 : 200).header('location', `/tasks/${encodeURIComponent(record.id)}`)
      return sendNumbered(context, reply, record)
    },
  })
}

function toSubmission({ type, data, params, ...body }: NamedSubmission): TaskSubmission {
  const named = withoutNulls(body)
  const taskType = body.task_type ?? type ?? undefined
  if (taskType === undefined && named.name === undefined) {
    throw refusal('/name', "The body has neither 'name' nor 'task_type'; send a name for a simulated task, or a type.")
  }
  const payload = body.payload ?? data ?? params ?? undefined
  return { ...named, task_type: taskType ?? simulatedType, ...(payload === undefined ? {} : { payload }) }
}

const fields = [
  'task_id',
  'priority',
  'dependencies',
  'on_dependency_failure',
  'max_retries',
  'queue',
  'run_at',
  'delay',
  'name',
  'description',
  'labels',
  'idempotency_key',
] as const

/** What is known and said. Of a time limit null says something, too: none. */
function withoutNulls(body: Nullable<TaskSubmission>): Partial<TaskSubmission> {
  const said = fields.filter(name => body[name] !== undefined && body[name] !== null).map(name => [name, body[name]])
  const timeout = body.timeout === undefined ? {} : { timeout: body.timeout }
  return { ...Object.fromEntries(said), ...timeout }
}

// ─── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface ListQuery extends TaskFilterQuery {
  readonly limit?: number
  readonly cursor?: string
  readonly offset?: number
  readonly skip?: number
}

const numberedQuery: QuerySchema = {
  ...listQuery,
  additionalProperties: true,
  properties: { ...listQuery.properties, skip: { type: 'integer', minimum: 0, maximum: limits.offsetMax } },
}

function addReads(app: FastifyInstance, context: HttpContext): void {
  app.route({
    method: 'GET',
    url: '/tasks',
    schema: describeCall({
      operationId: 'numberedList',
      access: 'tasks.read',
      tag: 'B: RabbitMQ and Redis',
      summary: 'Tasks, newest first',
      description: 'Dialects A and B. The filters are those of GET /api/tasks; `skip` is another word for `offset`.',
      query: numberedQuery,
      replies: { 200: ['One page', 'NumberedTaskPage'] },
      refuses: ['cursor_invalid'],
    }),
    handler: async (request, reply) => {
      const { skip, offset = skip, limit, cursor, ...filter } = queryOf<ListQuery>(request)
      if (cursor !== undefined && offset !== undefined) {
        throw refusal('offset', "Query parameters 'cursor' and 'offset' exclude each other; send one of the two.")
      }
      const page = await context.engineOf(request).tasks(readTaskFilter(filter), {
        limit: limit ?? limits.pageTasksDefault,
        cursor: cursor ?? null,
        offset: offset ?? 0,
      })
      const ids = await userNumbers(
        context,
        page.tasks.map(task => task.submittedBy),
      )
      const texts = page.tasks.map((task, at) => numberedJson(task, ids[at] ?? null))
      const next = JSON.stringify(page.nextCursor)
      return reply.header('content-type', json).send(`{"tasks":[${texts.join(',')}],"next_cursor":${next}}`)
    },
  })
  app.route({
    method: 'GET',
    url: '/tasks/:id',
    schema: describeCall({
      operationId: 'numberedTask',
      access: 'tasks.read',
      tag: 'A: advanced',
      alsoTag: 'B: RabbitMQ and Redis',
      summary: 'One task, by its id or its number',
      params: idParams,
      replies: { 200: ['The task', 'NumberedTask'] },
      refuses: ['task_unknown'],
    }),
    handler: async (request, reply) => sendNumbered(context, reply, await named(context.engineOf(request), request)),
  })
}

/** An exact id first, then the number. Throws `task_unknown`. */
async function named(engine: Engine, request: FastifyRequest): Promise<TaskRecord> {
  const { id } = request.params as { readonly id: string } // The path has it.
  // What cannot be an id names no task; no store is asked for it.
  if (!isTaskId(id)) throw new Problem('task_unknown')
  try {
    return await engine.task(taskId(id))
  } catch (error) {
    const isNumber = /^[1-9]\d{0,14}$/.test(id)
    if (!isNumber || !(error instanceof Problem) || error.code !== 'task_unknown') throw error
    return engine.taskByNumber(Number(id))
  }
}

async function sendNumbered(context: HttpContext, reply: FastifyReply, task: TaskRecord): Promise<FastifyReply> {
  const [userId] = await userNumbers(context, [task.submittedBy])
  return reply.header('content-type', json).send(numberedJson(task, userId ?? null))
}

/** The texts of the API proper are put together as text; two members more are, too. */
function numberedJson(task: TaskRecord, userId: number | null): string {
  return `${taskJson(task).slice(0, -1)},"id":${task.number},"user_id":${userId}}`
}

// ─── Verbs ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function addComplete(app: FastifyInstance, context: HttpContext): void {
  app.route({
    method: 'PUT',
    url: '/tasks/:id/complete',
    schema: describeCall({
      operationId: 'numberedComplete',
      access: 'tasks.change',
      audit: 'task.complete',
      tag: 'A: advanced',
      summary: 'Complete a waiting or running task by hand',
      description:
        'Its children are released, and a worker that runs it is told to stop; what that one still says is stale. Completing what is completed changes nothing.',
      params: idParams,
      replies: { 200: ['The task after the call', 'NumberedTask'] },
      refuses: ['task_unknown', 'task_finished'],
    }),
    handler: async (request, reply) => {
      const engine = context.engineOf(request)
      const task = await named(engine, request)
      request.audited = { subject: task.id }
      return sendNumbered(context, reply, await complete(engine, task))
    },
  })
}

async function complete(engine: Engine, { id }: TaskRecord): Promise<TaskRecord> {
  try {
    return await engine.completeByHand(id, null)
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'task_finished') throw error
    const task = await engine.task(id)
    if (task.state === 'completed') return task
    throw error
  }
}

function addDelete(app: FastifyInstance, context: HttpContext): void {
  app.route({
    method: 'DELETE',
    url: '/tasks/:id',
    schema: describeCall({
      operationId: 'numberedDelete',
      access: 'tasks.change',
      audit: 'task.cancel',
      tag: 'B: RabbitMQ and Redis',
      summary: 'Cancel an unfinished task, or delete a finished one',
      description: 'A running task is marked: its worker is asked to stop, and `status` is still `running`.',
      params: idParams,
      replies: { 200: ['What was done', 'TaskDeleted'] },
      refuses: ['task_unknown', 'task_unfinished', 'task_needed'],
    }),
    handler: async request => {
      const engine = context.engineOf(request)
      return cancelOrRemove(engine, await named(engine, request), request)
    },
  })
}

async function cancelOrRemove(engine: Engine, { id }: TaskRecord, request: FastifyRequest): Promise<object> {
  request.audited = { subject: id }
  try {
    const { state } = await engine.cancel(id, null)
    const message = state === 'running' ? 'Task is asked to stop' : 'Task cancelled'
    return { message, task_id: id, status: state }
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'task_finished') throw error
    request.audited = { action: 'task.delete', subject: id }
    const { state } = await engine.task(id)
    await engine.remove(id)
    return { message: 'Task deleted', task_id: id, status: state }
  }
}
