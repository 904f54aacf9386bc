import { candidateColumns, leaseColumns, settleColumns } from './columns.ts'
import type { Database, Statement } from './database.ts'

/** Rows of one `insertEdges`. */
export const edgesPerInsert = 50

function insertEdges(rows: number): string {
  return `INSERT INTO edges (child, position, parent, parent_id, policy, resolved, is_repeat)
    VALUES ${Array(rows).fill('(?, ?, ?, ?, ?, ?, ?)').join(', ')}`
}

/** Rows of one `insertTasks`. */
export const tasksPerInsert = 25

const taskColumns = `number, id, lane, state, rank, due_at, priority, priority_source, created_at, run_at, waiting_count,
  parent_count, has_dependents, timeout_ms, max_retries, delay_ms, asked_priority, policy, is_payload_apart,
  idempotency_key, submitted_by, trace, name, labels, payload, description`

/** Of most tasks: no parents, no delay, nothing said that a task can do without. Binding a value costs 0.1 µs. */
const bareColumns = `number, id, lane, state, rank, due_at, priority, priority_source, created_at, timeout_ms, max_retries,
  asked_priority, policy, trace, payload`
const bareRest = 'waiting_count, parent_count, has_dependents, is_payload_apart'

/** Of a task that is handed out in the transaction that accepts it. */
const leasedColumns = `${taskColumns}, epoch, attempt, worker_id, lease_until, started_at`

/** @param zeros columns that are 0 in every row */
function insertTasks(rows: number, columns: string, zeros: string | null = null): string {
  const values = Array<string>(columns.split(',').length).fill('?')
  const row = `(${[...values, ...(zeros?.split(',').map(() => '0') ?? [])].join(', ')})`
  const named = zeros === null ? columns : `${columns}, ${zeros}`
  return `INSERT INTO tasks (${named}) VALUES ${Array(rows).fill(row).join(', ')} ON CONFLICT DO NOTHING`
}

/**
 * Every statement that writes, and the look-ups that the writing needs; those that only read are in
 * `read-statements.ts`. The text is constant, values are parameters, a list is one JSON parameter. A transition names the
 * state it starts from in its WHERE, whatever was read before.
 *
 * `LIMIT ? + 0`, not `LIMIT ?`: the planner looks into a bare parameter there to guess at the number of rows, and then
 * plans the statement anew at every run, because its value might have changed. Measured: 18 us a run against 1.
 *
 * The hot transitions exist twice, for one task and for many: a statement opens a cursor on the table and on each of its
 * indexes at every run, which costs as much as the row itself. See docs/decisions/0007-statements-for-many.md.
 */
export const statementTexts = {
  // ─── Transactions and caches ──────────────────────────────────────────────────────────────────────────────────────
  begin: 'BEGIN IMMEDIATE',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  readMeta: 'SELECT value FROM meta WHERE name = ?',
  writeMeta: 'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  lastNumber: 'SELECT max(number) FROM tasks',
  allLanes: 'SELECT id, queue, type FROM lanes ORDER BY id',
  insertLane: 'INSERT INTO lanes (id, queue, type) VALUES (?, ?, ?)',
  deleteLane: 'DELETE FROM lanes WHERE id = ?',
  allQueues: 'SELECT name, is_paused, paused_at, paused_by, pause_reason FROM queues',
  queue: 'SELECT name, is_paused, paused_at, paused_by, pause_reason FROM queues WHERE name = ?',
  insertQueue: 'INSERT INTO queues (name, is_paused) VALUES (?, 0) ON CONFLICT DO NOTHING',
  deleteQueue: 'DELETE FROM queues WHERE name = ?',
  // A reason that is none, or the one that it has, is not another one: then all stays as it is.
  pauseQueue: `INSERT INTO queues (name, is_paused, paused_at, paused_by, pause_reason) VALUES (?, 1, ?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET is_paused = 1, paused_at = excluded.paused_at, paused_by = excluded.paused_by,
      pause_reason = excluded.pause_reason
    WHERE queues.is_paused = 0 OR excluded.pause_reason <> coalesce(queues.pause_reason, '')`,
  resumeQueue: `INSERT INTO queues (name, is_paused) VALUES (?, 0)
    ON CONFLICT (name) DO UPDATE SET is_paused = 0, paused_at = NULL, paused_by = NULL, pause_reason = NULL`,
  allCounters: 'SELECT lane, state, n FROM counters',
  writeCounter:
    'INSERT INTO counters (lane, state, n) VALUES (?, ?, ?) ON CONFLICT (lane, state) DO UPDATE SET n = excluded.n',

  // ─── Submit ───────────────────────────────────────────────────────────────────────────────────────────────────────
  insertTask: insertTasks(1, taskColumns),
  insertTasks: insertTasks(tasksPerInsert, taskColumns),
  insertBareTask: insertTasks(1, bareColumns, bareRest),
  insertBareTasks: insertTasks(tasksPerInsert, bareColumns, bareRest),
  insertLeasedTask: insertTasks(1, leasedColumns),
  insertLeasedTasks: insertTasks(tasksPerInsert, leasedColumns),
  insertPayload: 'INSERT INTO payloads (number, text) VALUES (?, ?)',
  insertEdge: insertEdges(1),
  insertEdges: insertEdges(edgesPerInsert),
  markDependents: `UPDATE tasks SET has_dependents = 1
    WHERE number IN (SELECT value FROM json_each(?)) AND has_dependents = 0`,
  tasksById: 'SELECT id, number, state FROM tasks WHERE id IN (SELECT value FROM json_each(?))',
  taskById: 'SELECT number, state FROM tasks WHERE id = ?',
  taskByKey: 'SELECT number, id FROM tasks WHERE idempotency_key = ?',
  stateOf: 'SELECT state FROM tasks WHERE number = ?',
  askedOf: 'SELECT asked_priority, delay_ms, due_at FROM tasks WHERE number = ?',
  undoTasks: 'DELETE FROM tasks WHERE number >= ?',
  undoPayloads: 'DELETE FROM payloads WHERE number >= ?',

  // ─── Claim and beat ───────────────────────────────────────────────────────────────────────────────────────────────
  candidates: `SELECT ${candidateColumns} FROM tasks INDEXED BY tasks_pending
    WHERE state = 'pending' AND lane = ? AND (rank, number) > (?, ?) ORDER BY rank, number LIMIT ? + 0`,
  claimTask: `UPDATE tasks SET state = 'running', attempt = attempt + 1, epoch = epoch + 1, worker_id = ?, lease_until = ?,
      started_at = ?, progress = NULL
    WHERE number = ? AND state = 'pending'`,
  claimTasks: `UPDATE tasks SET state = 'running', attempt = attempt + 1, epoch = epoch + 1, worker_id = ?, lease_until = ?,
      started_at = ?, progress = NULL
    WHERE number IN (SELECT value FROM json_each(?)) AND state = 'pending'`,
  claimRequest: 'SELECT leases FROM claim_requests WHERE worker_id = ? AND request_id = ?',
  insertClaimRequest: 'INSERT OR REPLACE INTO claim_requests (worker_id, request_id, leases, at) VALUES (?, ?, ?, ?)',
  touchWorker: `UPDATE workers SET last_seen_at = ?, system_info = coalesce(?, system_info) WHERE id = ?
    RETURNING is_draining`,
  leaseById: `SELECT ${leaseColumns} FROM tasks WHERE id = ?`,
  leasesOfWorker: `SELECT ${leaseColumns} FROM tasks INDEXED BY tasks_running
    WHERE state = 'running' AND worker_id = ? ORDER BY number`,
  claimant: 'SELECT is_draining, last_seen_at FROM workers WHERE id = ?',
  seeWorker: 'UPDATE workers SET last_seen_at = ? WHERE id = ?',
  extendLease: `UPDATE tasks SET lease_until = ?, progress = coalesce(?, progress)
    WHERE number = ? AND state = 'running' AND epoch = ? AND worker_id = ?`,

  // ─── Settle ───────────────────────────────────────────────────────────────────────────────────────────────────────
  taskFacts: `SELECT ${settleColumns} FROM tasks WHERE id = ?`,
  attemptSettledAs: 'SELECT worker_id, settled_as FROM attempts WHERE number = ? AND epoch = ?',
  insertAttempt: `INSERT INTO attempts (number, epoch, attempt, worker_id, started_at, ended_at, outcome, settled_as, error)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  completeTask: `UPDATE tasks SET state = 'completed', result = ?, error = NULL, finished_at = ?, lease_until = NULL,
      cancel_requested_at = NULL, end_outcome = 'completed', settled_as = 'completed'
    WHERE number = ? AND state = 'running' AND epoch = ? AND worker_id = ?`,
  // Entries are [number, epoch, worker, result]; results are JSON texts themselves.
  completeTasks: `UPDATE tasks SET state = 'completed', result = json_each.value ->> 3, error = NULL, finished_at = ?,
      lease_until = NULL, cancel_requested_at = NULL, end_outcome = 'completed', settled_as = 'completed'
    FROM json_each(?)
    WHERE number = json_each.value ->> 0 AND state = 'running' AND epoch = json_each.value ->> 1
      AND worker_id = json_each.value ->> 2`,
  failTask: `UPDATE tasks SET state = 'failed', result = NULL, error = ?, progress = NULL, finished_at = ?,
      lease_until = NULL, crashes = crashes + ?, end_outcome = ?, settled_as = ?, fingerprint = ?, failed_at = ?
    WHERE number = ? AND state = 'running' AND epoch = ? AND worker_id = ? AND cancel_requested_at IS NULL`,
  cancelTask: `UPDATE tasks SET state = 'cancelled', result = NULL, error = ?, progress = NULL, finished_at = ?,
      lease_until = NULL, end_outcome = 'cancelled', settled_as = ?
    WHERE number = ? AND state = 'running' AND epoch = ? AND worker_id = ? AND cancel_requested_at IS NULL`,
  cancelMarked: `UPDATE tasks SET state = 'cancelled', result = NULL, progress = NULL, finished_at = ?, lease_until = NULL,
      cancel_requested_at = NULL
    WHERE number = ? AND state = 'running' AND epoch = ? AND worker_id = ? AND cancel_requested_at IS NOT NULL`,
  releaseTask: `UPDATE tasks SET state = 'pending', attempt = attempt - 1, worker_id = NULL, lease_until = NULL,
      started_at = NULL, progress = NULL
    WHERE number = ? AND state = 'running' AND epoch = ? AND worker_id = ? AND cancel_requested_at IS NULL`,
  retryTask: `UPDATE tasks SET state = ?, run_at = coalesce(?, run_at), error = ?, crashes = crashes + ?, worker_id = NULL,
      lease_until = NULL, started_at = NULL, progress = NULL
    WHERE number = ? AND state = 'running' AND epoch = ? AND worker_id = ? AND cancel_requested_at IS NULL`,

  // ─── Dependencies ─────────────────────────────────────────────────────────────────────────────────────────────────
  openEdges: `SELECT e.position, e.policy, t.number, t.id, t.lane, t.state, t.due_at, t.run_at, t.waiting_count,
      t.has_dependents
    FROM edges AS e JOIN tasks AS t ON t.number = e.child
    WHERE e.parent = ? AND e.resolved = 0 ORDER BY e.child LIMIT ? + 0`,
  // Of parents that have all completed; entries of the writes below are [child, position] and [child, edges, state].
  openEdgesOfMany: `SELECT e.child, e.position, t.lane, t.state, t.run_at, t.waiting_count
    FROM edges AS e JOIN tasks AS t ON t.number = e.child
    WHERE e.parent IN (SELECT value FROM json_each(?)) AND e.resolved = 0 LIMIT ? + 0`,
  resolveEdges: `UPDATE edges SET resolved = 1 FROM json_each(?)
    WHERE child = json_each.value ->> 0 AND position = json_each.value ->> 1 AND resolved = 0`,
  unblockTasks: `UPDATE tasks SET waiting_count = waiting_count - (json_each.value ->> 1), state = json_each.value ->> 2
    FROM json_each(?)
    WHERE number = json_each.value ->> 0 AND state = 'blocked' AND waiting_count >= json_each.value ->> 1`,
  resolveEdge: 'UPDATE edges SET resolved = 1 WHERE child = ? AND position = ? AND resolved = 0',
  unblockTask: `UPDATE tasks SET waiting_count = waiting_count - 1, state = ?
    WHERE number = ? AND state = 'blocked' AND waiting_count > 0`,
  cancelBlocked: `UPDATE tasks SET state = 'cancelled', result = NULL, error = ?, finished_at = ?
    WHERE number = ? AND state = 'blocked'`,
  insertUnresolved: 'INSERT INTO unresolved (parent) VALUES (?) ON CONFLICT (parent) DO NOTHING',
  firstUnresolved: `SELECT u.parent, t.id, t.state FROM unresolved AS u LEFT JOIN tasks AS t ON t.number = u.parent
    ORDER BY u.turn LIMIT 1`,
  deleteUnresolved: 'DELETE FROM unresolved WHERE parent = ?',

  // ─── Verbs ────────────────────────────────────────────────────────────────────────────────────────────────────────
  cancelWaiting: `UPDATE tasks SET state = 'cancelled', result = NULL, error = ?, finished_at = ?
    WHERE number = ? AND state IN ('blocked', 'scheduled', 'pending')`,
  markCancel: `UPDATE tasks SET cancel_requested_at = ?, error = ?
    WHERE number = ? AND state = 'running' AND cancel_requested_at IS NULL`,
  completeByHand: `UPDATE tasks SET state = 'completed', result = ?, error = NULL, finished_at = ?, lease_until = NULL,
      cancel_requested_at = NULL, end_outcome = NULL, settled_as = NULL
    WHERE number = ? AND state IN ('blocked', 'scheduled', 'pending', 'running')`,
  reprioritiseTask: `UPDATE tasks SET priority = ?, priority_source = 'declared', rank = ?
    WHERE number = ? AND state IN ('blocked', 'scheduled', 'pending')`,
  keepLastAttempt: `INSERT INTO attempts (number, epoch, attempt, worker_id, started_at, ended_at, outcome, settled_as, error)
    SELECT number, epoch, attempt, worker_id, started_at, finished_at, end_outcome, settled_as, error
    FROM tasks WHERE number = ? AND end_outcome IS NOT NULL`,
  // What started anew is blocked until its parents are counted; startRequeued lets go of what waits for none.
  requeueTask: `UPDATE tasks SET state = 'blocked', waiting_count = 0, attempt = 0, crashes = 0, worker_id = NULL,
      started_at = NULL, finished_at = NULL, result = NULL, error = NULL, progress = NULL, end_outcome = NULL,
      settled_as = NULL, fingerprint = NULL, failed_at = NULL
    WHERE number = ? AND state IN ('failed', 'cancelled')`,
  waitAgain: `UPDATE tasks SET waiting_count = waiting_count + 1 WHERE state = 'blocked'
    AND number IN (SELECT child FROM edges WHERE parent = ? AND resolved = 1 AND is_repeat = 0)`,
  reopenEdges: `UPDATE edges SET resolved = 0 WHERE parent = ? AND resolved = 1 AND is_repeat = 0
    AND EXISTS (SELECT 1 FROM tasks WHERE number = edges.child AND state = 'blocked')`,
  startRequeued: `UPDATE tasks SET state = 'pending' WHERE number = ? AND state = 'blocked' AND waiting_count = 0`,
  cascadedChildren: `SELECT DISTINCT t.number, t.lane FROM edges AS e JOIN tasks AS t ON t.number = e.child
    WHERE e.parent = ? AND t.state = 'cancelled' AND substr(t.error, 1, 27) = '{"code":"dependency_failed"'`,
  parentEdges: `SELECT e.position, e.policy, e.resolved, p.state FROM edges AS e LEFT JOIN tasks AS p ON p.number = e.parent
    WHERE e.child = ? AND e.is_repeat = 0 ORDER BY e.position`,
  setWaitingCount: `UPDATE tasks SET waiting_count = ? WHERE number = ? AND state = 'blocked'`,
  setEdge: 'UPDATE edges SET resolved = ? WHERE child = ? AND position = ?',
  isNeeded: `SELECT 1 FROM edges AS e JOIN tasks AS t ON t.number = e.child
    WHERE e.parent = ? AND t.state IN ('blocked', 'scheduled', 'pending', 'running') LIMIT 1`,
  deleteTask: `DELETE FROM tasks WHERE number = ? AND state IN ('completed', 'failed', 'cancelled')`,
  deletePayload: 'DELETE FROM payloads WHERE number = ?',
  deleteEdges: 'DELETE FROM edges WHERE child = ?',
  deleteAttempts: 'DELETE FROM attempts WHERE number = ?',
  deleteLogs: 'DELETE FROM logs WHERE number = ?',

  // ─── Sweeps ───────────────────────────────────────────────────────────────────────────────────────────────────────
  dueTasks: `SELECT number, lane FROM tasks INDEXED BY tasks_scheduled
    WHERE state = 'scheduled' AND run_at <= ? ORDER BY run_at, number LIMIT ? + 0`,
  promoteTask: `UPDATE tasks SET state = 'pending' WHERE number = ? AND state = 'scheduled'`,
  nextDue: `SELECT min(run_at) FROM tasks INDEXED BY tasks_scheduled WHERE state = 'scheduled'`,
  expiredLeases: `SELECT ${leaseColumns} FROM tasks INDEXED BY tasks_running
    WHERE state = 'running' AND lease_until <= ? ORDER BY lease_until, number LIMIT ? + 0`,
  shortenLeases: `UPDATE tasks SET lease_until = ? WHERE state = 'running' AND lease_until > ?`,
  oldTasks: `SELECT number, lane, state, finished_at, has_dependents, created_at
    FROM tasks WHERE number > ? ORDER BY number LIMIT ? + 0`,
  pruneWorkers: `DELETE FROM workers WHERE last_seen_at < ?
    AND NOT EXISTS (SELECT 1 FROM tasks INDEXED BY tasks_running WHERE state = 'running' AND worker_id = workers.id)`,
  pruneRequests: 'DELETE FROM claim_requests WHERE at < ?',

  // ─── Workers and logs ─────────────────────────────────────────────────────────────────────────────────────────────
  workerInstance: 'SELECT instance, registered_at FROM workers WHERE id = ?',
  writeWorker: `INSERT INTO workers (id, instance, capabilities, queues, slots, labels, types, is_draining, lease_ms,
      registered_at, last_seen_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET instance = excluded.instance, capabilities = excluded.capabilities,
      queues = excluded.queues, slots = excluded.slots, labels = excluded.labels, types = excluded.types, is_draining = 0,
      lease_ms = excluded.lease_ms, registered_at = excluded.registered_at, last_seen_at = excluded.last_seen_at`,
  drainWorker: 'UPDATE workers SET is_draining = 1 WHERE id = ?',
  deleteWorker: 'DELETE FROM workers WHERE id = ?',
  lastLine: 'SELECT max(line) FROM logs WHERE number = ?',
  insertLog: 'INSERT INTO logs (number, line, epoch, at, level, message) VALUES (?, ?, ?, ?, ?, ?)',
} as const

export type Statements = Readonly<Record<keyof typeof statementTexts, Statement>>

/** Prepared once; SQLite keeps them valid over its own schema changes. */
export function prepareStatements(database: Database): Statements {
  return prepareAll(database, statementTexts)
}

export function prepareAll<Name extends string>(
  database: Database,
  sql: Readonly<Record<Name, string>>,
): Readonly<Record<Name, Statement>> {
  const prepared = Object.entries<string>(sql).map(([name, text]) => [name, database.prepare(text)] as const)
  // The names are those of `sql` by construction.
  return Object.freeze(Object.fromEntries(prepared)) as Readonly<Record<Name, Statement>>
}
