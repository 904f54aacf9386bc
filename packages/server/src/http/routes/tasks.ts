import {
  type BatchReceipt,
  type BatchReply,
  type BatchSubmission,
  batchSubmissionSchema,
  limits,
  looseBatchSubmissionSchema,
  type TaskFilterQuery,
  type TaskSubmission,
  taskSubmissionSchema,
} from '@tasklane/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from '../../core/problem.ts'
import type { TaskDraft } from '../../core/task.ts'
import type { SubmitRefusal, Submitted } from '../../engine/engine.ts'
import type { HttpContext } from '../context.ts'
import { bodyOf } from '../json-body.ts'
import { describeCall } from '../openapi.ts'
import { type QuerySchema, queryOf } from '../query.ts'
import { createSchemaCheck } from '../schema-check.ts'
import { readTaskFilter } from '../task-filter.ts'
import { readSubmission, refusal, type SubmitContext, submitContext } from '../task-input.ts'
import { taskJson, taskPageJson } from '../task-json.ts'

const json = 'application/json; charset=utf-8'

/** Submit and list. */
export function addTaskRoutes(app: FastifyInstance, context: HttpContext): void {
  addSubmit(app, context)
  addBatch(app, context)
  addList(app, context)
}

function addSubmit(app: FastifyInstance, context: HttpContext): void {
  app.route({
    method: 'POST',
    url: '/api/tasks',
    schema: describeCall({
      operationId: 'submit',
      access: 'tasks.submit',
      tag: 'tasks',
      alsoTag: 'C: challenge',
      summary: 'Submit a task',
      description:
        'Answered when the task is durable. The same `task_id` or idempotency key with the same content is the same task: 200 with the first one. The header `Idempotency-Key` says the same as `idempotency_key`.',
      body: 'TaskSubmission',
      headers: {
        'Idempotency-Key': 'The same as `idempotency_key`: a string in quotes, or one bare word.',
        traceparent: 'W3C trace context; kept with the task as `trace`, where otherwise the request id stands.',
        'X-Request-Id': 'Echoed in the reply and told in the log; made where it is absent.',
      },
      replies: { 201: ['The new task', 'Task'], 200: ['The first task of this id or key', 'Task'] },
      refuses: ['task_conflict', 'dependency_unknown', 'dependency_self', 'overloaded'],
    }),
    handler: async (request, reply) => {
      const draft = readSubmission(context, bodyOf<TaskSubmission>(request), submitContext(request))
      const [submitted] = await context.engineOf(request).submit([draft])
      if (submitted === undefined) throw new Error('Assertion failed: a submit of one task has one outcome')
      const { record } = submitted
      return reply
        .code(submitted.outcome === 'created' ? 201 : 200)
        .header('location', `/api/tasks/${encodeURIComponent(record.id)}`)
        .header('content-type', json)
        .send(taskJson(record))
    },
  })
}

const checkBatch = createSchemaCheck(batchSubmissionSchema)
const checkLooseBatch = createSchemaCheck(looseBatchSubmissionSchema)
const checkTask = createSchemaCheck(taskSubmissionSchema)

function addBatch(app: FastifyInstance, context: HttpContext): void {
  app.route({
    method: 'POST',
    url: '/api/tasks/batch',
    config: { tolerates: { list: 'tasks', member: null } },
    schema: describeCall({
      operationId: 'submitMany',
      access: 'tasks.submit',
      tag: 'tasks',
      summary: 'Submit up to 1,000 tasks at once',
      description:
        'All or nothing, unless `atomic` is false: then each task has its own `outcome`, and a refused one carries its `error`. Dependencies may point inside the batch, in any order. 201 when at least one task was created; 200 when none was, because all existed before or, with `atomic: false`, were refused.',
      body: 'BatchSubmission',
      replies: {
        201: ['The outcomes, in the order of the batch', 'BatchReply'],
        200: ['Nothing was created: every task existed before or was refused', 'BatchReply'],
      },
      refuses: ['task_conflict', 'dependency_unknown', 'dependency_self', 'dependency_cycle', 'overloaded'],
    }),
    // What a task of the batch holds that no store could keep was cut out by the parser; an atomic batch is refused for
    // it here, before the hole that was left is told as a fault of the schema.
    preValidation: (request, _reply, done) => {
      done(isLoose(request.body) ? undefined : (firstFault(request.bodyFaults) ?? undefined))
    },
    handler: async (request, reply) => {
      if (request.headers['idempotency-key'] !== undefined) {
        throw refusal(
          'Idempotency-Key',
          'Header Idempotency-Key is for one task; give each task of a batch its own idempotency_key.',
        )
      }
      const body = bodyOf<BatchSubmission>(request)
      const submit = submitContext(request)
      if (isLoose(body)) return sendReceipts(reply, await submitLoosely(context, request, body, submit))
      const drafts = body.tasks.map((task, index) => readSubmission(context, task, submit, `/tasks/${index}`))
      return sendReceipts(reply, (await context.engineOf(request).submit(drafts)).map(receiptOf))
    },
  })
}

/** With `atomic: false` only the batch itself is checked here; its tasks are checked one by one, each for itself. */
export function checkBatchBody(body: unknown): Problem | null {
  return isLoose(body) ? checkLooseBatch(body) : checkBatch(body)
}

function isLoose(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Reflect.get(body, 'atomic') === false
}

function firstFault(faults: ReadonlyMap<number, string> | null): Problem | null {
  const errors = [...(faults ?? [])].slice(0, 20).map(([index, detail]) => ({ pointer: `/tasks/${index}`, detail }))
  return errors[0] === undefined ? null : new Problem('text_invalid', errors[0].detail, errors)
}

/** Each task by itself: what does not fit is refused alone, the others are submitted. */
async function submitLoosely(
  context: HttpContext,
  request: FastifyRequest,
  body: BatchSubmission,
  submit: SubmitContext,
): Promise<readonly BatchReceipt[]> {
  const receipts: (BatchReceipt | null)[] = []
  const drafts: TaskDraft[] = []
  for (const [index, task] of body.tasks.entries()) {
    const draft = readLooseTask(context, task, request.bodyFaults?.get(index), submit)
    if (draft instanceof Problem) receipts.push(refusedReceipt(draft.code, draft.message))
    else {
      receipts.push(null)
      drafts.push(draft)
    }
  }
  const outcomes = drafts.length === 0 ? [] : await context.engineOf(request).submitEach(drafts)
  let next = 0
  return receipts.map(receipt => {
    if (receipt !== null) return receipt
    const outcome = outcomes[next]
    next += 1
    if (outcome === undefined) throw new Error('Assertion failed: every submitted task has an outcome')
    return receiptOf(outcome)
  })
}

function readLooseTask(
  context: HttpContext,
  task: TaskSubmission,
  fault: string | undefined,
  submit: SubmitContext,
): TaskDraft | Problem {
  if (fault !== undefined) return new Problem('text_invalid', fault)
  const problem = checkTask(task)
  if (problem !== null) return problem
  try {
    return readSubmission(context, task, submit)
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
}

function receiptOf(outcome: Submitted | SubmitRefusal): BatchReceipt {
  if (outcome.outcome === 'refused') return refusedReceipt(outcome.code, outcome.detail)
  return { task_id: outcome.record.id, status: outcome.record.state, outcome: outcome.outcome }
}

function refusedReceipt(code: string, detail: string): BatchReceipt {
  return { task_id: null, status: null, outcome: 'refused', error: { code, detail } }
}

function sendReceipts(reply: FastifyReply, tasks: readonly BatchReceipt[]): FastifyReply {
  const isAnyCreated = tasks.some(receipt => receipt.outcome === 'created')
  const body: BatchReply = { tasks }
  return reply
    .code(isAnyCreated ? 201 : 200)
    .header('content-type', json)
    .send(JSON.stringify(body))
}

interface ListQuery extends TaskFilterQuery {
  readonly limit?: number
  readonly cursor?: string
  readonly offset?: number
  readonly count?: 'true' | 'false'
}

const priority = { type: 'number', minimum: limits.priorityMin, maximum: limits.priorityMax }

export const listQuery: QuerySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    status: { type: 'string', maxLength: 256, description: 'States, comma separated.' },
    task_type: { type: 'string', maxLength: 4_096, description: 'Types, comma separated.' },
    queue: { type: 'string', maxLength: 4_096, description: 'Queues, comma separated.' },
    worker_id: {
      type: 'string',
      maxLength: limits.nameCharsMax,
      description: 'The worker that holds or held the task.',
    },
    label: {
      type: 'string',
      maxLength: limits.labelKeyCharsMax + limits.labelValueCharsMax + 1,
      description: '`key:value`, or `key` for any value.',
    },
    q: {
      type: 'string',
      maxLength: limits.titleCharsMax,
      description: 'Text to be found in the id, the name or the type.',
    },
    fingerprint: { type: 'string', minLength: 1, maxLength: 64, description: 'Failed tasks of one group of failures.' },
    created_after: { type: 'string', maxLength: 64, description: 'Created at this time (RFC 3339) or after.' },
    created_before: { type: 'string', maxLength: 64, description: 'Created before this time (RFC 3339).' },
    priority_min: { ...priority, description: 'Of this priority or a higher one.' },
    priority_max: { ...priority, description: 'Of this priority or a lower one.' },
    count: {
      enum: ['true', 'false'],
      description: `Whether to tell \`total\`, counted to ${limits.countedTasksMax}, and with \`q\` among the newest tasks only; \`total_is_exact\` says whether that was all.`,
    },
    limit: {
      type: 'integer',
      minimum: 1,
      maximum: limits.pageTasksMax,
      description: `Tasks of one page; ${limits.pageTasksDefault} if not said.`,
    },
    cursor: { type: 'string', minLength: 1, maxLength: 256, description: '`next_cursor` of the page before.' },
    offset: {
      type: 'integer',
      minimum: 0,
      maximum: limits.offsetMax,
      description: 'Tasks to skip; excludes `cursor`, which stays fast on any page.',
    },
  },
}

function addList(app: FastifyInstance, context: HttpContext): void {
  app.route({
    method: 'GET',
    url: '/api/tasks',
    schema: describeCall({
      operationId: 'list',
      access: 'tasks.read',
      tag: 'tasks',
      alsoTag: 'C: challenge',
      summary: 'List tasks, newest first',
      query: listQuery,
      replies: { 200: ['One page', 'TaskPage'] },
      refuses: ['cursor_invalid'],
    }),
    handler: async (request, reply) => {
      const query = queryOf<ListQuery>(request)
      if (query.cursor !== undefined && query.offset !== undefined) {
        throw refusal('offset', "Query parameters 'cursor' and 'offset' exclude each other; send one of the two.")
      }
      const filter = readTaskFilter(query)
      const engine = context.engineOf(request)
      const [page, counted] = await Promise.all([
        engine.tasks(filter, {
          limit: query.limit ?? limits.pageTasksDefault,
          cursor: query.cursor ?? null,
          offset: query.offset ?? 0,
        }),
        query.count === 'true' ? engine.countTasks(filter, limits.countedTasksMax) : null,
      ])
      const body = taskPageJson(
        page.tasks,
        page.nextCursor,
        counted === null ? null : { total: counted.count, isExact: counted.isExact },
      )
      return reply.header('content-type', json).send(body)
    },
  })
}
