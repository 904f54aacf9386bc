import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { limits } from './limits.ts'
import * as schemas from './schemas.ts'
import { type BatchSubmission, type BulkRequest, logLevels, type TaskFilterQuery, type TaskSubmission } from './task.ts'
import type { ClaimRequest, HeartbeatRequest, SettleRequest, WorkerLogRequest, WorkerRegistration } from './worker.ts'

const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true })
addFormats.default(ajv)

/** Every field of a type, optional ones included: a field that is added to a type must be added here to compile. */
type Whole<T> = { readonly [Key in keyof T]-?: Exclude<T[Key], undefined> }

const submission: Whole<TaskSubmission> = {
  task_type: 'mail',
  task_id: 'a',
  payload: { any: ['json', 1, null] },
  priority: 5.5,
  dependencies: ['p'],
  on_dependency_failure: 'proceed',
  timeout: null,
  max_retries: 3,
  queue: 'letters',
  run_at: '2030-01-01T00:00:00Z',
  delay: 1.5,
  name: 'A name',
  description: 'Words',
  labels: { team: 'red' },
  idempotency_key: 'key',
}
const batch: Whole<BatchSubmission> = { tasks: [submission], atomic: false }
const filter: Whole<TaskFilterQuery> = {
  status: 'failed',
  task_type: 'a,b',
  queue: 'q',
  worker_id: 'w',
  label: 'k:v',
  q: 'x',
  fingerprint: '0123456789abcdef',
  created_after: '2030-01-01T00:00:00Z',
  created_before: '2030-01-02T00:00:00Z',
  priority_min: 1,
  priority_max: 9,
}
const bulk: Whole<BulkRequest> = {
  action: 'cancel',
  ids: ['a'],
  filter,
  priority: 5,
  reason: 'why',
  with_dependents: true,
  dry_run: true,
}
const registration: Whole<WorkerRegistration> = {
  worker_id: 'w1',
  capabilities: ['*'],
  queues: ['default'],
  max_concurrent_tasks: 4,
  labels: {},
  instance: 'i',
  types: { mail: { type: 'object' } },
}
const claim: Whole<ClaimRequest> = { limit: 1, wait: 0.5, request_id: 'r', sparse: true }
const heartbeat: Whole<HeartbeatRequest> = {
  status: 'busy',
  current_tasks: ['a', { task_id: 'b', epoch: 1, progress: { percent: 50, message: 'half' } }],
  system_info: { cpu_usage: 1, memory_usage: 2, disk_usage: 3 },
}
const settle: SettleRequest = {
  results: [
    { task_id: 'a', epoch: 1, outcome: 'completed', result: null },
    {
      task_id: 'a',
      epoch: 1,
      outcome: 'failed',
      error: { code: 'x', message: 'm', stack: 's' },
      retryable: false,
      retry_after: 5,
    },
    { task_id: 'a', epoch: 1, outcome: 'released' },
  ],
}
const logs: WorkerLogRequest = {
  logs: logLevels.map(level => ({ task_id: 'a', epoch: 1, level, message: 'm', time: '2030-01-01T00:00:00+01:00' })),
}

const whole: readonly (readonly [string, object, object])[] = [
  ['a task', schemas.taskSubmissionSchema, submission],
  ['a batch', schemas.batchSubmissionSchema, batch],
  ['a loose batch', schemas.looseBatchSubmissionSchema, batch],
  ['a filter', schemas.filterSchema, filter],
  ['a bulk call', schemas.bulkSchema, bulk],
  ['a registration', schemas.workerRegistrationSchema, registration],
  ['a claim', schemas.claimSchema, claim],
  ['a heartbeat', schemas.heartbeatSchema, heartbeat],
  ['a settle', schemas.settleSchema, settle],
  ['log lines', schemas.workerLogSchema, logs],
]

describe('the schema of', () => {
  it.each(whole)('%s takes what its type can say, whole', (_, schema, value) => {
    const validate = ajv.compile(schema)
    expect(validate(value), JSON.stringify(validate.errors)).toBe(true)
  })

  it.each(whole.slice(0, 1).concat(whole.slice(3, 8)))(
    '%s names the fields of its type, no more and no fewer',
    (_, schema, value) => {
      const { properties } = schema as { properties: object } // Each of these is the schema of an object.
      expect(Object.keys(properties).sort()).toEqual(Object.keys(value).sort())
    },
  )

  it.each(whole)('%s refuses an unknown field', (_, schema, value) => {
    expect(ajv.compile(schema)({ ...value, unheard_of: 1 })).toBe(false)
  })
})

describe('the bounds of a task', () => {
  const validate = ajv.compile(schemas.taskSubmissionSchema)
  const accepts = (more: object): boolean => validate({ task_type: 'mail', ...more })
  const bounds: readonly (readonly [string, object, object])[] = [
    ['priority from below', { priority: limits.priorityMin }, { priority: limits.priorityMin - 0.01 }],
    ['priority from above', { priority: limits.priorityMax }, { priority: limits.priorityMax + 0.01 }],
    ['retries', { max_retries: limits.retriesMax }, { max_retries: limits.retriesMax + 1 }],
    ['time-out from below', { timeout: 0.001 }, { timeout: 0 }],
    ['time-out from above', { timeout: limits.timeoutSecondsMax }, { timeout: limits.timeoutSecondsMax + 1 }],
    ['delay', { delay: limits.delaySecondsMax }, { delay: limits.delaySecondsMax + 1 }],
    ['id', { task_id: 'x'.repeat(limits.taskIdCharsMax) }, { task_id: 'x'.repeat(limits.taskIdCharsMax + 1) }],
    ['queue', { queue: 'x'.repeat(limits.nameCharsMax) }, { queue: 'x'.repeat(limits.nameCharsMax + 1) }],
    ['name', { name: 'x'.repeat(limits.titleCharsMax) }, { name: 'x'.repeat(limits.titleCharsMax + 1) }],
    [
      'label values',
      { labels: { k: 'x'.repeat(limits.labelValueCharsMax) } },
      { labels: { k: 'x'.repeat(limits.labelValueCharsMax + 1) } },
    ],
    [
      'label keys',
      { labels: { ['k'.repeat(limits.labelKeyCharsMax)]: '' } },
      { labels: { ['k'.repeat(limits.labelKeyCharsMax + 1)]: '' } },
    ],
    [
      'parents',
      { dependencies: Array(limits.dependenciesMax).fill('p') },
      { dependencies: Array(limits.dependenciesMax + 1).fill('p') },
    ],
    ['letters of an id', { task_id: 'a_B9.:-' }, { task_id: 'a/b' }],
    ['letters of a queue', { queue: 'a_B9.:/-' }, { queue: 'a b' }],
  ]
  it.each(bounds)('hold for %s', (_, last, beyond) => {
    expect([accepts(last), accepts(beyond)]).toEqual([true, false])
  })

  it('coerce nothing', () => {
    expect([accepts({ priority: '5' }), accepts({ max_retries: 1.5 }), accepts({ labels: { a: 1 } })]).toEqual([
      false,
      false,
      false,
    ])
  })
})
