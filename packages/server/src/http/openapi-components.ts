import {
  alertChannelChangeSchema,
  alertChannelDraftSchema,
  alertRuleChangeSchema,
  alertRuleDraftSchema,
  alertSilenceSchema,
  batchSubmissionSchema,
  bulkSchema,
  cancelSchema,
  claimSchema,
  firstAdminSchema,
  heartbeatSchema,
  limits,
  loginFormSchema,
  logLevels,
  passwordChangeSchema,
  problems,
  queueSettingsSchema,
  reprioritiseSchema,
  retrySchema,
  serviceTokenDraftSchema,
  sessionSchema,
  settleSchema,
  taskStates,
  taskSubmissionSchema,
  userChangeSchema,
  userDraftSchema,
  workerLogSchema,
  workerRegistrationSchema,
} from '@tasklane/protocol'
import { plainReplies, plainRequests } from './dialects/plain-schemas.ts'
import { pullReplies, pullRequests } from './dialects/pull-schemas.ts'
import { accountReplySchemas } from './openapi-accounts.ts'
import { alertReplies } from './openapi-alerts.ts'
import { dashboardReplies } from './openapi-dashboard.ts'

/** What clients send: the very objects they are validated with. */
export const requestSchemas = {
  TaskSubmission: taskSubmissionSchema,
  BatchSubmission: batchSubmissionSchema,
  CancelRequest: cancelSchema,
  RetryRequest: retrySchema,
  ReprioritiseRequest: reprioritiseSchema,
  BulkRequest: bulkSchema,
  WorkerRegistration: workerRegistrationSchema,
  ClaimRequest: claimSchema,
  HeartbeatRequest: heartbeatSchema,
  SettleRequest: settleSchema,
  WorkerLogRequest: workerLogSchema,
  QueueSettings: queueSettingsSchema,
  ...pullRequests,
  ...plainRequests,
  LoginForm: loginFormSchema,
  SessionRequest: sessionSchema,
  PasswordChange: passwordChangeSchema,
  FirstAdminDraft: firstAdminSchema,
  UserDraft: userDraftSchema,
  UserChange: userChangeSchema,
  ServiceTokenDraft: serviceTokenDraftSchema,
  AlertRuleDraft: alertRuleDraftSchema,
  AlertRuleChange: alertRuleChangeSchema,
  AlertSilenceRequest: alertSilenceSchema,
  AlertChannelDraft: alertChannelDraftSchema,
  AlertChannelChange: alertChannelChangeSchema,
} as const satisfies Record<string, object>

export type RequestName = keyof typeof requestSchemas

const string = { type: 'string' }
const integer = { type: 'integer' }
const number = { type: 'number' }
const boolean = { type: 'boolean' }
const time = { type: 'string', format: 'date-time' }
const anyJson = { description: 'Any JSON value.' }
const labels = { type: 'object', additionalProperties: string }
const status = { enum: [...taskStates] }
const strings = { type: 'array', items: string }

function maybe(schema: { readonly type: string }): object {
  return { ...schema, type: [schema.type, 'null'] }
}

function maybeRef(name: string): object {
  return { anyOf: [ref(name), { type: 'null' }] }
}

/** Refers to a component of the document by name. */
export function ref(name: string): { readonly $ref: string } {
  return { $ref: `${name}#` }
}

function listOf(name: string): object {
  return { type: 'array', items: ref(name) }
}

function object(properties: Readonly<Record<string, object>>, optional: readonly string[] = []): object {
  return { type: 'object', properties, required: Object.keys(properties).filter(name => !optional.includes(name)) }
}

/** Left out of a sparse claim where they are null or empty. */
const sparseMembers = [
  'name',
  'description',
  'payload',
  'dependencies',
  'timeout',
  'idempotency_key',
  'run_at',
  'completed_at',
  'result',
  'error',
  'progress',
  'labels',
  'submitted_by',
  'trace',
  'parents',
  'parents_url',
]

const counts = object(Object.fromEntries(taskStates.map(state => [state, integer])))
const quantiles = { ...object({ p50: number, p95: number }), type: ['object', 'null'] }

const task = {
  task_id: string,
  task_type: string,
  queue: string,
  name: maybe(string),
  description: maybe(string),
  payload: anyJson,
  priority: number,
  priority_source: { enum: ['declared', 'predicted', 'default'] },
  status,
  worker_id: maybe(string),
  dependencies: strings,
  timeout: { ...maybe(number), description: 'Seconds one attempt may take; null is no limit.' },
  max_retries: integer,
  attempt: { ...integer, description: 'Attempts begun so far.' },
  idempotency_key: maybe(string),
  run_at: maybe(time),
  created_at: time,
  started_at: maybe(time),
  completed_at: maybe(time),
  result: anyJson,
  error: maybeRef('TaskError'),
  progress: maybeRef('TaskProgress'),
  labels,
  submitted_by: maybe(string),
  trace: maybe(string),
}

/** What the scheduler answers. These describe; they never filter: replies are written without them. */
export const replySchemas = {
  ...accountReplySchemas,
  Task: object(task),
  TaskError: object({ code: string, message: string, stack: string }, ['stack']),
  TaskProgress: object({ percent: { type: 'number', minimum: 0, maximum: 100 }, message: string }, ['message']),
  TaskPage: object({ tasks: listOf('Task'), next_cursor: maybe(string), total: integer, total_is_exact: boolean }, [
    'total',
    'total_is_exact',
  ]),
  BatchReply: object({
    tasks: {
      type: 'array',
      items: object(
        {
          task_id: maybe(string),
          status: { enum: [...taskStates, null] },
          outcome: { enum: ['created', 'existing', 'refused'] },
          error: object({ code: string, detail: string }),
        },
        ['error'],
      ),
    },
  }),
  AttemptList: object({
    attempts: {
      type: 'array',
      items: object({
        attempt: integer,
        epoch: integer,
        worker_id: maybe(string),
        started_at: time,
        ended_at: maybe(time),
        outcome: { enum: ['running', 'completed', 'failed', 'timeout', 'crashed', 'released', 'cancelled'] },
        error: maybeRef('TaskError'),
      }),
    },
  }),
  LogPage: object({
    logs: {
      type: 'array',
      items: object({ line: integer, epoch: integer, time, level: { enum: [...logLevels] }, message: string }),
    },
    next_after: { ...maybe(integer), description: 'Pass as `after` to read on; null when nothing more is there now.' },
  }),
  TaskGraph: object({
    nodes: {
      type: 'array',
      items: object({
        task_id: string,
        task_type: string,
        name: maybe(string),
        status,
        started_at: maybe(time),
        completed_at: maybe(time),
      }),
    },
    edges: {
      type: 'array',
      items: object({ parent: string, child: string, on_failure: { enum: ['cancel', 'proceed'] } }),
    },
    truncated: {
      ...boolean,
      description: `There are more tasks than the ${limits.graphTasksMax} nearest, or than were found in bounded time.`,
    },
    edges_truncated: {
      ...boolean,
      description: `There are more edges among these tasks than the ${limits.graphEdgesMax} of the nearest, or than were found in bounded time.`,
    },
  }),
  Why: object({
    task_id: string,
    status,
    reasons: { type: 'array', items: object({ code: string, detail: string, facts: { type: 'object' } }) },
  }),
  BulkReply: object({
    action: { enum: ['cancel', 'retry', 'reprioritise', 'delete'] },
    dry_run: boolean,
    matched: integer,
    verdicts: { type: 'object', additionalProperties: integer },
  }),
  ParentOutcome: object({ status, result: anyJson, error: maybeRef('TaskError') }),
  ParentsPage: object({
    parents: { type: 'object', additionalProperties: ref('ParentOutcome') },
    next: { ...maybe(string), description: 'Path and query of the next page, or null.' },
  }),
  RegistrationReply: object({
    worker_id: string,
    heartbeat_interval: { ...number, description: 'Seconds between heartbeats.' },
    lease_seconds: number,
  }),
  ClaimedTask: object(
    {
      ...task,
      epoch: { ...integer, description: 'The fence: every word about this claim names it.' },
      lease_expires_at: time,
      parents: { type: 'object', additionalProperties: ref('ParentOutcome') },
      parents_url: { ...string, description: 'Instead of `parents` where their results are above 1 MiB.' },
    },
    ['parents', 'parents_url'],
  ),
  SparseClaimedTask: object(
    { ...task, epoch: integer, lease_expires_at: time, parents: { type: 'object' }, parents_url: string },
    sparseMembers,
  ),
  ClaimReply: object({
    tasks: {
      type: 'array',
      items: { anyOf: [ref('ClaimedTask'), ref('SparseClaimedTask')] },
      description: 'Sparse tasks, without members that are null or empty, only where the claim says `sparse`.',
    },
  }),
  HeartbeatReply: object({
    cancel: { ...strings, description: 'Somebody asked to cancel these: stop their handlers.' },
    lost: { ...strings, description: 'This worker no longer holds these: stop, and do not settle.' },
    drain: { ...boolean, description: 'Stop claiming, finish what runs, deregister.' },
  }),
  SettleReply: object(
    {
      results: {
        type: 'array',
        items: object({ task_id: string, verdict: { enum: ['applied', 'stale', 'unknown'] }, detail: string }, [
          'detail',
        ]),
      },
      tasks: {
        type: 'array',
        items: { anyOf: [ref('ClaimedTask'), ref('SparseClaimedTask')] },
        description: 'Where the call has a `claim`: what it took, as in the reply to a claim.',
      },
    },
    ['tasks'],
  ),
  WorkerLogReply: object({ accepted: integer, dropped: integer }),
  Worker: object({
    worker_id: string,
    status: { enum: ['active', 'draining', 'lost'] },
    capabilities: strings,
    queues: strings,
    max_concurrent_tasks: integer,
    current_tasks: strings,
    labels,
    instance: maybe(string),
    types: { type: 'object' },
    system_info: { type: 'object' },
    registered_at: time,
    last_heartbeat: time,
  }),
  WorkerList: object({ workers: listOf('Worker') }),
  QueuePause: object({
    at: { ...maybe(time), description: 'When it was paused, or when the reason was replaced.' },
    by: maybe(string),
    reason: maybe(string),
  }),
  Queue: object({
    name: string,
    paused: boolean,
    pause: { ...maybeRef('QueuePause'), description: 'Since when, by whom and why; null where it is not paused.' },
    counts,
    depth: integer,
    oldest_age: maybe(number),
    submitted_per_second: number,
    finished_per_second: number,
  }),
  QueueList: object({ queues: listOf('Queue') }),
  Stats: object({
    tasks: counts,
    total: integer,
    workers: object({ active: integer, draining: integer, lost: integer, slots: integer }),
    rates: {
      ...object({ submitted_per_second: number, completed_per_second: number, failed_per_second: number }),
      type: ['object', 'null'],
      description: 'Null for who sees its own tasks only.',
    },
    wait_ms: quantiles,
    run_ms: quantiles,
    uptime_seconds: number,
    version: string,
  }),
  Health: object({
    status: { enum: ['ok', 'stopping', 'unavailable'] },
    store: { enum: ['ok', 'unavailable'] },
    version: string,
    uptime_seconds: number,
  }),
  Problem: object(
    {
      type: string,
      title: string,
      status: integer,
      detail: { ...string, description: 'A plain sentence.' },
      code: { enum: Object.keys(problems) },
      request_id: string,
      errors: { type: 'array', items: object({ pointer: string, detail: string }) },
    },
    ['errors'],
  ),
  ...pullReplies,
  ...dashboardReplies,
  ...alertReplies,
  ...plainReplies,
} as const satisfies Record<string, object>

export type ReplyName = keyof typeof replySchemas

/** In the document a batch refers to its tasks' schema instead of repeating it. */
export const documentedRequests: Readonly<Record<RequestName, object>> = {
  ...requestSchemas,
  TaskSubmission: {
    ...taskSubmissionSchema,
    examples: [
      { task_type: 'add', payload: { x: 1, y: 2 } },
      { task_type: 'merge', dependencies: ['part-1', 'part-2'], priority: 8, labels: { report: 'monthly' } },
    ],
  },
  BatchSubmission: {
    ...batchSubmissionSchema,
    properties: {
      ...batchSubmissionSchema.properties,
      tasks: { ...batchSubmissionSchema.properties.tasks, items: ref('TaskSubmission') },
    },
    examples: [
      {
        tasks: [
          { task_id: 'part-1', task_type: 'add', payload: { x: 1, y: 2 } },
          { task_type: 'multiply', payload: { x: 3, y: 4 }, dependencies: ['part-1'] },
        ],
      },
    ],
  },
  WorkerRegistration: {
    ...workerRegistrationSchema,
    examples: [{ worker_id: 'w1', capabilities: ['add', 'multiply'], max_concurrent_tasks: 4 }],
  },
  ClaimRequest: { ...claimSchema, examples: [{ limit: 10, wait: 30 }] },
  SettleRequest: {
    ...settleSchema,
    examples: [{ results: [{ task_id: 'part-1', epoch: 1, outcome: 'completed', result: 3 }] }],
  },
}
