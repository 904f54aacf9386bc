/**
 * What a house holds: each table with its columns, in the order in which they are moved. The names are the same in the
 * file and on the server; where the file keeps a value in another way, `from` says how it is read there.
 */
export interface MovedTable {
  readonly name: string
  /** The columns of the primary key, in its order: the way is walked along it, and gone on with from its last row. */
  readonly key: readonly string[]
  readonly columns: readonly MovedColumn[]
  /** Beside the values, for a column that the server would number by itself. */
  readonly isNumberedByServer?: boolean
}

export interface MovedColumn {
  readonly name: string
  readonly kind: ColumnKind
  readonly from?: string
}

/** `long` is text of any length: in a comparison its digest stands for it. */
export type ColumnKind = 'whole' | 'float' | 'flag' | 'text' | 'long'

const columns = (kind: ColumnKind, names: string): readonly MovedColumn[] =>
  names.split(' ').map(name => ({ name, kind }))

/** A long payload has a table of its own in the file. */
const payload: MovedColumn = {
  name: 'payload',
  kind: 'long',
  from: 'CASE is_payload_apart WHEN 0 THEN payload ELSE (SELECT p.text FROM payloads AS p WHERE p.number = tasks.number) END',
}

export const movedTables: readonly MovedTable[] = Object.freeze([
  { name: 'lanes', key: ['id'], columns: [...columns('whole', 'id'), ...columns('text', 'queue type')] },
  {
    name: 'queues',
    key: ['name'],
    columns: [
      ...columns('text', 'name paused_by pause_reason'),
      ...columns('flag', 'is_paused'),
      ...columns('whole', 'paused_at'),
    ],
  },
  {
    name: 'workers',
    key: ['id'],
    columns: [
      ...columns('text', 'id instance'),
      ...columns('whole', 'registered_at last_seen_at lease_ms slots'),
      ...columns('flag', 'is_draining'),
      ...columns('long', 'capabilities queues labels types system_info'),
    ],
  },
  {
    name: 'tasks',
    key: ['number'],
    columns: [
      ...columns('whole', 'number due_at created_at run_at lease_until started_at cancel_requested_at finished_at'),
      ...columns(
        'whole',
        'failed_at timeout_ms delay_ms lane epoch attempt crashes waiting_count parent_count max_retries',
      ),
      ...columns('float', 'rank priority asked_priority'),
      ...columns('flag', 'has_dependents'),
      ...columns('text', 'state id priority_source policy worker_id end_outcome settled_as idempotency_key'),
      ...columns('text', 'submitted_by trace name fingerprint'),
      ...columns('long', 'labels progress error description result'),
      payload,
    ],
  },
  {
    name: 'edges',
    key: ['child', 'position'],
    columns: [
      ...columns('whole', 'child position parent'),
      ...columns('flag', 'resolved is_repeat'),
      ...columns('text', 'policy parent_id'),
    ],
  },
  { name: 'unresolved', key: ['turn'], columns: columns('whole', 'turn parent'), isNumberedByServer: true },
  {
    name: 'attempts',
    key: ['number', 'epoch'],
    columns: [
      ...columns('whole', 'number epoch attempt started_at ended_at'),
      ...columns('text', 'worker_id outcome settled_as'),
      ...columns('long', 'error'),
    ],
  },
  {
    name: 'logs',
    key: ['number', 'line'],
    columns: [...columns('whole', 'number line epoch at'), ...columns('text', 'level'), ...columns('long', 'message')],
  },
  {
    name: 'claim_requests',
    key: ['worker_id', 'request_id'],
    columns: [...columns('text', 'worker_id request_id'), ...columns('whole', 'at'), ...columns('long', 'leases')],
  },
  {
    name: 'users',
    key: ['number'],
    columns: [
      ...columns('whole', 'number version created_at changed_at'),
      ...columns('flag', 'is_disabled'),
      ...columns('text', 'name password_hash role'),
    ],
  },
  {
    name: 'tokens',
    key: ['turn'],
    columns: [
      ...columns('whole', 'turn created_at expires_at revoked_at last_used_at'),
      ...columns('text', 'id name hash role created_by'),
      ...columns('long', 'queues types'),
    ],
    isNumberedByServer: true,
  },
  {
    name: 'audit',
    key: ['number'],
    columns: [
      ...columns('whole', 'number at'),
      ...columns('text', 'actor action subject address outcome request_id reason'),
    ],
    isNumberedByServer: true,
  },
  {
    name: 'history',
    key: ['step', 'queue', 'at', 'node'],
    columns: [...columns('whole', 'step at'), ...columns('text', 'queue node'), ...columns('long', 'cell')],
  },
  {
    name: 'alert_rules',
    key: ['id'],
    columns: [...columns('text', 'id'), ...columns('whole', 'version changed_at'), ...columns('long', 'settings')],
  },
  {
    name: 'alerts',
    key: ['number'],
    columns: [
      ...columns('whole', 'number turn since_at fired_at resolved_at noted_at'),
      ...columns('float', 'value'),
      ...columns('text', 'rule_id subject state severity'),
      ...columns('long', 'facts told detail tellings'),
    ],
    isNumberedByServer: true,
  },
  {
    name: 'alert_silences',
    key: ['rule_id', 'subject'],
    columns: [...columns('text', 'rule_id subject reason actor'), ...columns('whole', 'until_at at')],
  },
  {
    name: 'alert_channels',
    key: ['id'],
    columns: [
      ...columns('text', 'id'),
      ...columns('whole', 'version created_at changed_at last_sent_at last_failed_at'),
      ...columns('long', 'settings last_failure'),
    ],
  },
  {
    name: 'alert_notices',
    key: ['number'],
    columns: [
      ...columns('whole', 'number created_at due_at attempts'),
      ...columns('text', 'id channel_id'),
      ...columns('long', 'alerts'),
    ],
    isNumberedByServer: true,
  },
  {
    name: 'counters',
    key: ['lane', 'state'],
    columns: [...columns('whole', 'lane'), ...columns('text', 'state'), ...columns('whole', 'n')],
  },
])

/** Where the way along a table has come to: the key of the last row, none before the first. */
export type Place = readonly (string | number)[]

/** Where the columns of the key stand in a row. */
export function keyAt({ key, columns: all }: MovedTable): readonly number[] {
  return key.map(name => all.findIndex(column => column.name === name))
}
