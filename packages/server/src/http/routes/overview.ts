import { nameSchema } from '@tasklane/protocol'
import type { FastifyInstance } from 'fastify'
import { groupsDefault, groupsMax } from '../../engine/failures.ts'
import type { HttpContext } from '../context.ts'
import { describeCall } from '../openapi.ts'
import { queryOf } from '../query.ts'
import { refusal } from '../task-input.ts'

/** What a dashboard draws beside lists and totals. */
export function addOverviewRoutes(app: FastifyInstance, context: HttpContext): void {
  const { engineOf } = context
  addHistory(app, context)
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
          limit: {
            type: 'integer',
            minimum: 1,
            maximum: groupsMax,
            description: `Groups at most; ${groupsDefault} if not said.`,
          },
        },
      },
      replies: { 200: ['The groups, those first that failed last', 'FailureGroups'] },
    }),
    handler: async request => {
      const { hours = 24, limit = groupsDefault } = queryOf<{ readonly hours?: number; readonly limit?: number }>(
        request,
      )
      return engineOf(request).failures(hours * 3_600_000, limit)
    },
  })
}

const fineMinutesMax = 5

function addHistory(app: FastifyInstance, { engineOf }: HttpContext): void {
  app.route({
    method: 'GET',
    url: '/api/stats/history',
    schema: describeCall({
      operationId: 'statsHistory',
      access: 'overview.read',
      tag: 'health',
      summary: 'Rates of the last minutes, of all nodes together',
      description: `Kept for two days by the minute. Points of ${fineStep} seconds are for the last ${fineMinutesMax} minutes. The last point still grows. Waits and runs are told to a fifth of their size.`,
      query: {
        type: 'object',
        additionalProperties: false,
        properties: {
          minutes: { type: 'integer', minimum: 1, maximum: 2_880, description: 'So far back; 60 if not said.' },
          step: {
            type: 'integer',
            minimum: fineStep,
            maximum: 86_400,
            description: `Seconds between two points: ${fineStep}, or a multiple of 60; 60 if not said.`,
          },
          queue: { ...nameSchema, description: 'One queue alone.' },
        },
      },
      refuses: ['store_unavailable', 'stopping'],
      replies: { 200: ['The points, oldest first', 'StatsHistory'] },
    }),
    handler: request => {
      const { minutes = 60, step = 60, queue = null } = queryOf<HistoryQuery>(request)
      if (step !== fineStep && step % 60 !== 0) {
        throw refusal('step', `A step of ${step} seconds is not kept; send ${fineStep}, or a multiple of 60.`)
      }
      if (step === fineStep && minutes > fineMinutesMax) {
        throw refusal(
          'minutes',
          `Points of ${fineStep} seconds go back ${fineMinutesMax} minutes; ask for fewer or a longer step.`,
        )
      }
      return engineOf(request).history({ minutes, stepMs: step * 1_000, queue })
    },
  })
}

const fineStep = 5

interface HistoryQuery {
  readonly minutes?: number
  readonly step?: number
  readonly queue?: string
}

/** A month: failed tasks are not kept for ever. */
const hoursMax = 744
