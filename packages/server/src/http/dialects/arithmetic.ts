import { type Json, limits, type TaskError } from '@tasklane/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Problem } from '../../core/problem.ts'
import { type TaskRecord, taskId } from '../../core/task.ts'
import type { HttpContext } from '../context.ts'
import { bodyOf, exceedsBytes } from '../json-body.ts'
import { describeCall } from '../openapi.ts'
import { readSubmission, refusal, submitContext } from '../task-input.ts'
import { isTaskId } from '../worker-input.ts'
import { takeForJson } from './untyped-bodies.ts'

/** Dialect D: three tasks of Celery, which its clients poll until SUCCESS. The built-in types of the workers do the work. */
export function addArithmeticRoutes(app: FastifyInstance, context: HttpContext): void {
  addSum(app, context, { type: 'add', operationId: 'arithmeticAdd', summary: 'x + y', sum: (x, y) => x + y })
  addSum(app, context, { type: 'multiply', operationId: 'arithmeticMultiply', summary: 'x · y', sum: (x, y) => x * y })
  addUpperCase(app, context)
  addStatus(app, context)
}

const tag = 'D: arithmetic'
const json = 'application/json; charset=utf-8'

/** Tries after the first, further and further apart. */
const retries = 5

interface Sum {
  readonly type: string
  readonly operationId: string
  readonly summary: string
  readonly sum: (x: number, y: number) => number
}

function addSum(app: FastifyInstance, context: HttpContext, { type, operationId, summary, sum }: Sum): void {
  app.route({
    method: 'POST',
    url: `/${type}`,
    onRequest: takeForJson,
    schema: describeCall({
      operationId,
      access: 'tasks.submit',
      tag,
      summary,
      description:
        'Exact on whole numbers. Operands, or a result, outside ±(2^53 − 1) are refused here, not by the task.',
      body: 'Operands',
      replies: { 200: ['Submitted', 'TaskQueued'] },
      refuses: ['task_conflict', 'overloaded'],
    }),
    handler: async request => {
      const { x, y } = bodyOf<{ readonly x: number; readonly y: number }>(request)
      // A client that polls for SUCCESS would never learn of a refusal that comes later.
      if (Math.abs(sum(x, y)) > Number.MAX_SAFE_INTEGER) {
        const detail = `Of ${x} and ${y} the result is outside ±(2^53 − 1), where a JSON number is no longer exact; send smaller numbers.`
        throw refusal('', detail)
      }
      return submit(context, request, type, { x, y })
    },
  })
}

function addUpperCase(app: FastifyInstance, context: HttpContext): void {
  app.route({
    method: 'POST',
    url: '/upper_case',
    onRequest: takeForJson,
    schema: describeCall({
      operationId: 'arithmeticUpperCase',
      access: 'tasks.submit',
      tag,
      summary: 'A text in capitals',
      description: 'By Unicode’s full mapping: `straße` becomes `STRASSE`.',
      body: 'TextToChange',
      replies: { 200: ['Submitted', 'TaskQueued'] },
      refuses: ['task_conflict', 'overloaded'],
    }),
    handler: async request => {
      const { text } = bodyOf<{ readonly text: string }>(request)
      // Capitals may take three times the room, and a result that cannot be kept fails its task.
      if (exceedsBytes(JSON.stringify(text.toUpperCase()), limits.resultBytesMax)) {
        const detail = `In capitals the text has more than ${limits.resultBytesMax} bytes of JSON, which is what a result takes; send less.`
        throw new Problem('payload_too_large', detail, [{ pointer: '/text', detail }])
      }
      return submit(context, request, 'upper_case', { text })
    },
  })
}

async function submit(
  context: HttpContext,
  request: FastifyRequest,
  type: string,
  payload: Readonly<Record<string, Json>>,
): Promise<{ readonly task_id: string }> {
  const task = { task_type: type, payload, max_retries: retries }
  const [submitted] = await context.engineOf(request).submit([readSubmission(context, task, submitContext(request))])
  if (submitted === undefined) throw new Error('Assertion failed: a submit of one task has one outcome')
  return { task_id: submitted.record.id }
}

function addStatus(app: FastifyInstance, { engineOf }: HttpContext): void {
  app.route({
    method: 'GET',
    url: '/status/:task_id',
    schema: describeCall({
      operationId: 'arithmeticStatus',
      access: 'tasks.read',
      tag,
      summary: 'How a task is, in the words of Celery',
      description: 'A task that is not known is PENDING, as Celery has it.',
      params: { task_id: 'The id of the task.' },
      replies: { 200: ['Its status, and its result where there is one', 'CeleryStatus'] },
      refuses: ['not_found'],
    }),
    handler: async (request, reply) => {
      const { task_id: id } = request.params as { readonly task_id: string } // The path has it.
      if (id === '') throw new Problem('not_found', 'The path names no task; ask for /status/TASK_ID.')
      // What cannot be an id names no task; no store is asked for it.
      const task = isTaskId(id) ? await engineOf(request).task(taskId(id)).catch(nullWhereUnknown) : null
      const text = `{"task_id":${JSON.stringify(id)},"status":"${wordOf(task)}","result":${resultOf(task)}}`
      return reply.header('content-type', json).send(text)
    },
  })
}

function nullWhereUnknown(error: unknown): null {
  if (error instanceof Problem && error.code === 'task_unknown') return null
  throw error
}

export type CeleryWord = 'PENDING' | 'STARTED' | 'RETRY' | 'SUCCESS' | 'FAILURE' | 'REVOKED'

function wordOf(task: TaskRecord | null): CeleryWord {
  switch (task?.state) {
    case undefined:
    case 'blocked':
      return 'PENDING'
    case 'scheduled':
    case 'pending':
      // Of an attempt that failed, the error stands on the task until it completes.
      return task?.error === null ? 'PENDING' : 'RETRY'
    case 'running':
      return 'STARTED'
    case 'completed':
      return 'SUCCESS'
    case 'failed':
      return 'FAILURE'
    case 'cancelled':
      return 'REVOKED'
  }
}

/** JSON text: what the task returned, or why it did not. */
function resultOf(task: TaskRecord | null): string {
  if (task === null || task.state === 'running') return 'null'
  if (task.state === 'completed') return task.result ?? 'null'
  if (task.error === null) return 'null'
  const { message } = JSON.parse(task.error) as TaskError // Errors are kept in this form.
  return JSON.stringify(message)
}
