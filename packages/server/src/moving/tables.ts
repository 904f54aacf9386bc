/**
 * What a store is made of, table by table, in the order in which it is moved. The two stores have the same columns under
 * the same names; what differs is said here.
 */
export interface TableSpec {
  readonly name: string
  /** Columns and their types on PostgreSQL; booleans are 0 and 1 on SQLite. */
  readonly columns: Readonly<Record<string, ColumnType>>
  /** Unique, and what rows are read by; texts compare by their bytes on both sides. */
  readonly key: readonly string[]
  /** How SQLite reads a column that is kept in another way there. */
  readonly reads?: Readonly<Record<string, string>>
  /** Columns that PostgreSQL gives by itself and that only order the rows. */
  readonly orderOnly?: readonly string[]
}

export type ColumnType = 'bigint' | 'integer' | 'float8' | 'text' | 'boolean'

const wholePayload = `CASE is_payload_apart WHEN 0 THEN payload
  ELSE (SELECT text FROM payloads WHERE payloads.number = tasks.number) END`

export const tables: readonly TableSpec[] = Object.freeze([
  { name: 'lanes', key: ['id'], columns: { id: 'integer', queue: 'text', type: 'text' } },
  { name: 'queues', key: ['name'], columns: { name: 'text', is_paused: 'boolean' } },
  {
    name: 'tasks',
    key: ['number'],
    reads: { payload: wholePayload },
    columns: {
      number: 'bigint',
      id: 'text',
      lane: 'integer',
      state: 'text',
      rank: 'float8',
      due_at: 'bigint',
      priority: 'float8',
      priority_source: 'text',
      epoch: 'integer',
      attempt: 'integer',
      crashes: 'integer',
      worker_id: 'text',
      lease_until: 'bigint',
      started_at: 'bigint',
      cancel_requested_at: 'bigint',
      created_at: 'bigint',
      run_at: 'bigint',
      finished_at: 'bigint',
      end_outcome: 'text',
      settled_as: 'text',
      waiting_count: 'integer',
      parent_count: 'integer',
      has_dependents: 'boolean',
      timeout_ms: 'bigint',
      max_retries: 'integer',
      delay_ms: 'bigint',
      asked_priority: 'float8',
      policy: 'text',
      idempotency_key: 'text',
      submitted_by: 'text',
      trace: 'text',
      name: 'text',
      labels: 'text',
      progress: 'text',
      payload: 'text',
      error: 'text',
      description: 'text',
      result: 'text',
    },
  },
  {
    name: 'edges',
    key: ['child', 'position'],
    columns: {
      child: 'bigint',
      position: 'integer',
      parent: 'bigint',
      parent_id: 'text',
      policy: 'text',
      resolved: 'boolean',
      is_repeat: 'boolean',
    },
  },
  { name: 'unresolved', key: ['turn'], orderOnly: ['turn'], columns: { turn: 'bigint', parent: 'bigint' } },
  {
    name: 'attempts',
    key: ['number', 'epoch'],
    columns: {
      number: 'bigint',
      epoch: 'integer',
      attempt: 'integer',
      worker_id: 'text',
      started_at: 'bigint',
      ended_at: 'bigint',
      outcome: 'text',
      settled_as: 'text',
      error: 'text',
    },
  },
  {
    name: 'logs',
    key: ['number', 'line'],
    columns: { number: 'bigint', line: 'integer', epoch: 'integer', at: 'bigint', level: 'text', message: 'text' },
  },
  {
    name: 'workers',
    key: ['id'],
    columns: {
      id: 'text',
      instance: 'text',
      capabilities: 'text',
      queues: 'text',
      slots: 'integer',
      labels: 'text',
      types: 'text',
      is_draining: 'boolean',
      system_info: 'text',
      lease_ms: 'bigint',
      registered_at: 'bigint',
      last_seen_at: 'bigint',
    },
  },
  {
    name: 'claim_requests',
    key: ['worker_id', 'request_id'],
    columns: { worker_id: 'text', request_id: 'text', leases: 'text', at: 'bigint' },
  },
  { name: 'counters', key: ['lane', 'state'], columns: { lane: 'integer', state: 'text', n: 'bigint' } },
])

/** Names of the columns that are written, in their order. */
export function writtenColumns({ columns, orderOnly = [] }: TableSpec): readonly string[] {
  return Object.keys(columns).filter(column => !orderOnly.includes(column))
}
