import { limits, nameSchema, taskIdSchema } from '@tasklane/protocol'

/** What a client of the pull scheduler leaves out, its libraries often send as null. Fields beside these are passed over. */
export const pullRequests = {
  PullSubmission: {
    type: 'object',
    required: ['func_name'],
    properties: {
      func_name: nameSchema,
      args: { type: ['array', 'null'], items: {} },
      kwargs: { type: ['object', 'null'] },
      priority: { type: ['number', 'null'], description: 'Clamped to 1–10; absent is 0.' },
      dependencies: { type: ['array', 'null'], maxItems: limits.dependenciesMax, items: taskIdSchema },
      timeout: { type: ['number', 'null'], exclusiveMinimum: 0, maximum: limits.timeoutSecondsMax },
    },
  },
  PullReport: {
    type: 'object',
    required: ['task_id', 'status', 'worker_id'],
    properties: {
      task_id: { type: 'string', minLength: 1, maxLength: limits.taskIdCharsMax },
      status: { enum: ['COMPLETED', 'FAILED', 'TIMED_OUT', 'CANCELED'] },
      result: {},
      error_message: { type: ['string', 'null'] },
      worker_id: nameSchema,
    },
  },
} as const

const string = { type: 'string' }
const maybeString = { type: ['string', 'null'] }
const integer = { type: 'integer' }
const strings = { type: 'array', items: string }
const time = { type: 'string', pattern: '\\+00:00$', description: 'ISO 8601 in UTC.' }
const word = { enum: ['PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'TIMED_OUT', 'CANCELED'] }

function object(properties: Readonly<Record<string, object>>): object {
  return { type: 'object', properties, required: Object.keys(properties) }
}

export const pullReplies = {
  PullAdded: object({ message: string, task_id: string }),
  PullTask: object({
    task_id: string,
    func: string,
    args: { type: 'array' },
    kwargs: { type: 'object' },
    priority: { type: 'number' },
    dependencies: strings,
    status: { enum: ['RUNNING'] },
    created_at: time,
    started_at: time,
    completed_at: { type: 'null' },
    worker_id: string,
    timeout: { type: ['number', 'null'], description: 'Seconds, or null for none.' },
    retries: { ...integer, description: 'Tries before this one.' },
    max_retries: { ...integer, description: 'Tries after the first that are allowed.' },
  }),
  PullReported: object({
    message: string,
    task_id: string,
    status: { enum: [...word.enum, null], description: 'What was said; null where nothing was changed.' },
    applied: {
      type: 'boolean',
      description:
        'False where the worker no longer holds the task: nothing was changed, and nothing is to be repeated.',
    },
  }),
  PullCanceled: object({ message: string, task_id: string, status: word }),
  PullRegistered: object({
    message: string,
    worker_id: string,
    heartbeat_interval: { type: 'number' },
    lease_seconds: { type: 'number' },
  }),
  PullHeartbeat: object({
    message: string,
    worker_id: string,
    cancel: { ...strings, description: 'Somebody asked to cancel these.' },
  }),
  PullUnregistered: object({ message: string, worker_id: string }),
  PullStatus: object({
    total_tasks: integer,
    tasks_by_status: object(Object.fromEntries(word.enum.map(each => [each, integer]))),
    active_workers: integer,
    worker_details: {
      type: 'object',
      description: 'By worker id; empty for callers who may not read workers.',
      additionalProperties: object({
        status: { enum: ['active', 'draining', 'lost'] },
        current_task: maybeString,
        last_heartbeat: time,
        registered_at: time,
      }),
    },
  }),
} as const satisfies Record<string, object>
