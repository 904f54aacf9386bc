import { alertKinds, alertSeverities } from '@tasklane/protocol'

const string = { type: 'string' }
const integer = { type: 'integer' }
const time = { type: 'string', format: 'date-time' }
const maybeNumber = { type: ['number', 'null'] }
const maybeString = { type: ['string', 'null'] }
const maybeInteger = { type: ['integer', 'null'] }

function object(properties: Readonly<Record<string, object>>): object {
  return { type: 'object', properties, required: Object.keys(properties) }
}

/** What the calls answer that the dashboard is drawn from. */
export const dashboardReplies = {
  FailureGroups: object({
    groups: {
      type: 'array',
      items: object({
        fingerprint: string,
        task_type: string,
        code: string,
        message: { ...string, description: 'Of the sample.' },
        count: integer,
        first_at: time,
        last_at: time,
        sample_task_id: { ...string, description: 'The one of the group that was submitted last.' },
        trend: {
          type: 'array',
          items: integer,
          description: 'How many failed in each piece of the time asked for, all equally long, the oldest first.',
        },
        newest: {
          ...object({
            count: integer,
            queues: { type: 'array', items: string },
            workers: { type: 'array', items: string },
            used_up: { ...integer, description: 'So many of them had no try left.' },
          }),
          description: 'Of the tasks of the group that were submitted last, a few.',
        },
      }),
    },
    truncated: { type: 'boolean', description: 'Whether there are more groups than were asked for.' },
    complete: {
      type: 'boolean',
      description:
        'False where more tasks failed in this time than are looked at: counts are of those that failed last.',
    },
  }),
  Attention: object({
    items: {
      type: 'array',
      items: object({
        kind: {
          enum: [
            'alert',
            'queue_unserved',
            'type_unserved',
            'worker_lost',
            'failing',
            'waiting_long',
            'schedule_late',
            'queue_paused',
          ],
        },
        detail: string,
        count: { ...integer, description: 'How many tasks it is about.' },
        since: { type: ['string', 'null'], format: 'date-time' },
        queue: maybeString,
        task_type: maybeString,
        worker_id: maybeString,
        fingerprint: maybeString,
        task_id: { ...maybeString, description: 'The first in its line, or the one that was submitted last.' },
        alert_id: { ...maybeInteger, description: 'Of an alert that fires; null otherwise, as the next two.' },
        alert_kind: { enum: [...alertKinds, null], description: 'What the alert watches for.' },
        severity: { enum: [...alertSeverities, null] },
        pause: {
          anyOf: [{ $ref: 'QueuePause#' }, { type: 'null' }],
          description: 'Of a paused queue, and of an alert about one.',
        },
      }),
    },
    more: { ...integer, description: 'How many more there are than are told.' },
  }),
  TaskTypes: object({
    types: {
      type: 'array',
      items: object({
        task_type: string,
        schema: { description: 'JSON Schema of the payload; null where no live worker published one.' },
        queues: {
          type: ['array', 'null'],
          items: string,
          description: 'Where live workers take it from; null where one of them serves every queue.',
        },
        workers: integer,
      }),
    },
  }),
  StatsHistory: object({
    from: time,
    step: { ...integer, description: 'Seconds between two points.' },
    points: {
      type: 'array',
      items: object({
        at: { ...time, description: 'Where the cell begins.' },
        submitted: integer,
        completed: integer,
        failed: integer,
        cancelled: integer,
        retried: { ...maybeInteger, description: 'Null in the series of one queue.' },
        wait_p95_ms: maybeNumber,
        run_p95_ms: maybeNumber,
        waiting: { ...maybeInteger, description: 'Null where no node looked.' },
        running: maybeInteger,
        workers: maybeInteger,
        slots: maybeInteger,
        slots_used: maybeInteger,
      }),
    },
  }),
} as const satisfies Record<string, object>
