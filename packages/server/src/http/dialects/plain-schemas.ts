import { limits, taskSubmissionSchema } from '@tasklane/protocol'

/** Requests and replies of the dialects A, B and D. What a client leaves out, its libraries often send as null. */

type Property = { readonly type?: string | readonly string[] } & Readonly<Record<string, unknown>>

/** The same, or null. */
function maybe(property: Property): object {
  if ('enum' in property && Array.isArray(property.enum)) {
    return { type: ['string', 'null'], enum: [...property.enum, null] }
  }
  if (property.type === undefined) return property
  return { ...property, type: [...new Set([...[property.type].flat(), 'null'])] }
}

const { task_type: type, payload, ...others } = taskSubmissionSchema.properties

const exact = { type: 'number', minimum: -Number.MAX_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER } as const

export const plainRequests = {
  NamedSubmission: {
    type: 'object',
    description: 'A name, for a simulated task; or a type with a payload, under any of their names.',
    properties: {
      task_type: maybe(type),
      type: maybe(type),
      payload,
      data: payload,
      params: payload,
      ...Object.fromEntries(Object.entries(others).map(([name, property]) => [name, maybe(property)])),
    },
    examples: [
      { name: 'Monthly report', description: 'Adds up what was sold.' },
      { task_type: 'add', payload: { x: 1, y: 2 }, priority: 8 },
    ],
  },
  Operands: {
    type: 'object',
    required: ['x', 'y'],
    properties: { x: exact, y: exact },
    examples: [{ x: 1, y: 2 }],
  },
  TextToChange: {
    type: 'object',
    required: ['text'],
    properties: { text: { type: 'string' } },
    examples: [{ text: 'straße' }],
  },
} as const

const string = { type: 'string' }

export const plainReplies = {
  /** The task of the API proper, and two fields more. */
  NumberedTask: {
    allOf: [
      { $ref: 'Task#' },
      {
        type: 'object',
        required: ['id', 'user_id'],
        properties: {
          id: { type: 'integer', description: 'Counts up from 1 in the order of acceptance; gaps are allowed.' },
          user_id: { type: ['integer', 'null'], description: 'Of the user who submitted it; null for a token.' },
        },
      },
    ],
  },
  NumberedTaskPage: {
    type: 'object',
    required: ['tasks', 'next_cursor'],
    properties: {
      tasks: { type: 'array', items: { $ref: 'NumberedTask#' } },
      next_cursor: { type: ['string', 'null'] },
    },
  },
  TaskDeleted: {
    type: 'object',
    required: ['message', 'task_id', 'status'],
    properties: { message: string, task_id: string, status: string },
  },
  WorkerDeleted: {
    type: 'object',
    required: ['message', 'worker_id'],
    properties: { message: string, worker_id: string },
  },
  TaskQueued: { type: 'object', required: ['task_id'], properties: { task_id: string } },
  CeleryStatus: {
    type: 'object',
    required: ['task_id', 'status', 'result'],
    properties: {
      task_id: { type: 'string', maxLength: limits.taskIdCharsMax },
      status: { enum: ['PENDING', 'STARTED', 'RETRY', 'SUCCESS', 'FAILURE', 'REVOKED'] },
      result: { description: 'What the task returned; of one that failed, its error as a sentence; otherwise null.' },
    },
  },
} as const satisfies Record<string, object>
