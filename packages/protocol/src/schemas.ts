import { limits } from './limits.ts'

/**
 * JSON Schemas of what clients send. The scheduler validates with these very objects and publishes them in its OpenAPI
 * document. Nothing is coerced; unknown fields are refused.
 */
const name = {
  type: 'string',
  minLength: 1,
  maxLength: limits.nameCharsMax,
  pattern: '^[A-Za-z0-9_][A-Za-z0-9_.:/-]*$',
}
const nameOrAny = {
  type: 'string',
  minLength: 1,
  maxLength: limits.nameCharsMax,
  pattern: '^(\\*|[A-Za-z0-9_][A-Za-z0-9_.:/-]*)$',
}
const taskId = {
  type: 'string',
  minLength: 1,
  maxLength: limits.taskIdCharsMax,
  pattern: '^[A-Za-z0-9_][A-Za-z0-9_.:-]*$',
}
const labels = {
  type: 'object',
  maxProperties: limits.labelsMax,
  propertyNames: { type: 'string', minLength: 1, maxLength: limits.labelKeyCharsMax },
  additionalProperties: { type: 'string', maxLength: limits.labelValueCharsMax },
}
const percent = { type: 'number', minimum: 0, maximum: 100 }
const progress = {
  type: 'object',
  required: ['percent'],
  additionalProperties: false,
  properties: { percent, message: { type: 'string', maxLength: limits.progressMessageCharsMax } },
}
const epoch = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER }
const taskError = {
  type: 'object',
  required: ['message'],
  additionalProperties: false,
  properties: {
    code: { type: 'string', minLength: 1, maxLength: limits.nameCharsMax },
    message: { type: 'string' },
    stack: { type: 'string' },
  },
}

export const nameSchema = name
export const taskIdSchema = taskId

export const taskSubmissionSchema = {
  type: 'object',
  required: ['task_type'],
  additionalProperties: false,
  properties: {
    task_type: name,
    task_id: taskId,
    payload: {},
    priority: { type: 'number', minimum: limits.priorityMin, maximum: limits.priorityMax },
    dependencies: { type: 'array', maxItems: limits.dependenciesMax, items: taskId },
    on_dependency_failure: { enum: ['cancel', 'proceed'] },
    timeout: { type: ['number', 'null'], exclusiveMinimum: 0, maximum: limits.timeoutSecondsMax },
    max_retries: { type: 'integer', minimum: 0, maximum: limits.retriesMax },
    queue: name,
    run_at: { type: 'string', format: 'date-time' },
    delay: { type: 'number', minimum: 0, maximum: limits.delaySecondsMax },
    name: { type: 'string', maxLength: limits.titleCharsMax },
    description: { type: 'string', maxLength: limits.descriptionCharsMax },
    labels,
    idempotency_key: { type: 'string', minLength: 1, maxLength: limits.idempotencyKeyCharsMax },
  },
} as const

export const batchSubmissionSchema = {
  type: 'object',
  required: ['tasks'],
  additionalProperties: false,
  properties: {
    tasks: { type: 'array', minItems: 1, maxItems: limits.batchTasksMax, items: taskSubmissionSchema },
    atomic: { type: 'boolean' },
  },
} as const

/** With `atomic: false` each task is checked by itself, so that one bad task refuses itself only. */
export const looseBatchSubmissionSchema = {
  type: 'object',
  required: ['tasks'],
  additionalProperties: false,
  properties: {
    tasks: { type: 'array', minItems: 1, maxItems: limits.batchTasksMax, items: {} },
    atomic: { type: 'boolean' },
  },
} as const

export const reprioritiseSchema = {
  type: 'object',
  required: ['priority'],
  additionalProperties: false,
  properties: { priority: { type: 'number', minimum: limits.priorityMin, maximum: limits.priorityMax } },
} as const

export const cancelSchema = {
  type: 'object',
  additionalProperties: false,
  properties: { reason: { type: 'string', maxLength: limits.titleCharsMax } },
} as const

export const retrySchema = {
  type: 'object',
  additionalProperties: false,
  properties: { with_dependents: { type: 'boolean' } },
} as const

export const filterSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    status: { type: 'string', maxLength: 256 },
    task_type: { type: 'string', maxLength: 4_096 },
    queue: { type: 'string', maxLength: 4_096 },
    worker_id: { type: 'string', maxLength: limits.nameCharsMax },
    label: { type: 'string', maxLength: limits.labelKeyCharsMax + limits.labelValueCharsMax + 1 },
    q: { type: 'string', maxLength: limits.titleCharsMax },
    fingerprint: { type: 'string', minLength: 1, maxLength: 64 },
    created_after: { type: 'string', maxLength: 64 },
    created_before: { type: 'string', maxLength: 64 },
    priority_min: { type: 'number', minimum: limits.priorityMin, maximum: limits.priorityMax },
    priority_max: { type: 'number', minimum: limits.priorityMin, maximum: limits.priorityMax },
  },
} as const

export const bulkSchema = {
  type: 'object',
  required: ['action'],
  additionalProperties: false,
  properties: {
    action: { enum: ['cancel', 'retry', 'reprioritise', 'delete'] },
    ids: {
      type: 'array',
      minItems: 1,
      maxItems: limits.bulkIdsMax,
      items: { type: 'string', minLength: 1, maxLength: 128 },
    },
    filter: filterSchema,
    priority: { type: 'number', minimum: limits.priorityMin, maximum: limits.priorityMax },
    reason: { type: 'string', maxLength: limits.titleCharsMax },
    with_dependents: { type: 'boolean' },
    dry_run: { type: 'boolean' },
  },
} as const

export const workerRegistrationSchema = {
  type: 'object',
  required: ['worker_id', 'capabilities'],
  additionalProperties: false,
  properties: {
    worker_id: name,
    capabilities: { type: 'array', minItems: 1, maxItems: limits.workerNamesMax, items: nameOrAny },
    queues: { type: 'array', minItems: 1, maxItems: limits.workerNamesMax, items: nameOrAny },
    max_concurrent_tasks: { type: 'integer', minimum: 1, maximum: limits.workerSlotsMax },
    labels,
    instance: { type: 'string', minLength: 1, maxLength: limits.nameCharsMax },
    types: { type: 'object', maxProperties: limits.workerNamesMax, additionalProperties: {} },
  },
} as const

const claimAtOnce = {
  limit: { type: 'integer', minimum: 1, maximum: limits.claimTasksMax },
  request_id: { type: 'string', minLength: 1, maxLength: limits.nameCharsMax },
  sparse: { type: 'boolean' },
} as const

export const claimSchema = {
  type: 'object',
  additionalProperties: false,
  properties: { ...claimAtOnce, wait: { type: 'number', minimum: 0, maximum: limits.waitSecondsMax } },
} as const

export const heartbeatSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    status: { type: 'string', maxLength: 64 },
    current_tasks: {
      type: 'array',
      maxItems: limits.workerSlotsMax,
      items: {
        anyOf: [
          { type: 'string', minLength: 1, maxLength: limits.taskIdCharsMax },
          {
            type: 'object',
            required: ['task_id', 'epoch'],
            additionalProperties: false,
            properties: {
              task_id: { type: 'string', minLength: 1, maxLength: limits.taskIdCharsMax },
              epoch,
              progress,
            },
          },
        ],
      },
    },
    system_info: {
      type: 'object',
      properties: {
        cpu_usage: percent,
        memory_usage: percent,
        disk_usage: percent,
        sdk: { type: 'string', maxLength: limits.nameCharsMax },
      },
    },
  },
} as const

export const settleSchema = {
  type: 'object',
  required: ['results'],
  additionalProperties: false,
  properties: {
    results: {
      type: 'array',
      minItems: 1,
      maxItems: limits.settleResultsMax,
      items: {
        type: 'object',
        required: ['task_id', 'epoch', 'outcome'],
        additionalProperties: false,
        properties: {
          task_id: { type: 'string', minLength: 1, maxLength: limits.taskIdCharsMax },
          epoch,
          outcome: { enum: ['completed', 'failed', 'released'] },
          result: {},
          error: taskError,
          retryable: { type: 'boolean' },
          retry_after: { type: 'number', minimum: 0, maximum: limits.delaySecondsMax },
        },
      },
    },
    claim: { type: 'object', additionalProperties: false, properties: claimAtOnce },
  },
} as const

export const workerLogSchema = {
  type: 'object',
  required: ['logs'],
  additionalProperties: false,
  properties: {
    logs: {
      type: 'array',
      minItems: 1,
      maxItems: limits.logLinesPerCallMax,
      items: {
        type: 'object',
        required: ['task_id', 'epoch', 'message'],
        additionalProperties: false,
        properties: {
          task_id: { type: 'string', minLength: 1, maxLength: limits.taskIdCharsMax },
          epoch,
          level: { enum: ['debug', 'info', 'warn', 'error'] },
          message: { type: 'string', maxLength: limits.logLineCharsMax },
          time: { type: 'string', format: 'date-time' },
        },
      },
    },
  },
} as const

export const queueSettingsSchema = {
  type: 'object',
  required: ['paused'],
  additionalProperties: false,
  properties: {
    paused: { type: 'boolean' },
    reason: { type: ['string', 'null'], maxLength: limits.pauseReasonCharsMax },
  },
} as const
