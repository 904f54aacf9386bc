import { claimedColumns, leaseColumns, recordColumns, stateColumns } from './columns.ts'
import type { Statement } from './database.ts'

/**
 * Every statement that moves something, of constant text: lists travel as one array or one JSON text. What a transition
 * asks of the row stands in its WHERE, also where this transaction holds the row already.
 *
 * Three idioms. `t.state || '' = 'running'` is `t.state = 'running'` that no partial index answers: the way to the row is
 * its number or id, whatever the planner believes of a table that has just grown. `r.number = +r.number`, or `r.id =
 * r.id || ''`, says nothing of a row, and to the planner that the list is a short one: each of it is looked up by itself.
 * Without that, a plan that was made when a table held two rows goes over all of it once it holds a million. And rows are
 * locked in the order of their numbers, by a subquery where an UPDATE takes several, so that two transactions do not wait
 * for each other; `number + 0` is an order that no walk over all numbers can give.
 *
 * An epoch that is asked about is a bigint, though the column is not: whoever says one that no task ever reaches must
 * not make the statement fail for all who share it.
 */
const now = '(extract(epoch FROM now()) * 1000)::bigint'

function extend(lock: string): string {
  return `UPDATE tasklane.tasks AS t SET lease_until = greatest(t.lease_until,
        least($1::bigint + c.lease_ms, t.started_at + t.timeout_ms + $2::bigint, t.cancel_requested_at + $3::bigint)),
      progress = coalesce(c.progress, t.progress)
    FROM (SELECT p.number, r.lease_ms, r.progress
      FROM unnest($4::text[], $5::bigint[], $6::text[], $7::bigint[], $8::text[]) AS r (id, epoch, worker_id, lease_ms, progress)
      JOIN tasklane.tasks AS p ON p.id = r.id
      WHERE r.id = r.id || '' AND p.state || '' = 'running' AND p.worker_id || '' = r.worker_id
        AND (r.epoch IS NULL OR p.epoch = r.epoch)
      ORDER BY p.number + 0 ${lock}) AS c
    WHERE t.number = c.number RETURNING t.id, t.cancel_requested_at IS NOT NULL`
}

const texts = {
  // ─── Session ──────────────────────────────────────────────────────────────────────────────────────────────────────
  // The moment of the BEGIN, the same for all statements of a transaction; which server and which tables these are
  // (known.ts); and their size in pages, by which plans are made anew (database.ts).
  now: `SELECT ${now}, (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint,
    'tasklane.lanes'::regclass::oid::bigint,
    (pg_relation_size('tasklane.tasks') + pg_relation_size('tasklane.edges')) / 8192`,
  lanesAfter: 'SELECT id, queue, type FROM tasklane.lanes WHERE id > $1 ORDER BY id',
  insertLanes: `INSERT INTO tasklane.lanes (id, queue, type)
    SELECT (SELECT coalesce(max(id), 0) FROM tasklane.lanes) + row_number() OVER (), queue, type
    FROM unnest($1::text[], $2::text[]) AS r (queue, type)
    WHERE NOT EXISTS (SELECT 1 FROM tasklane.lanes AS l WHERE l.queue = r.queue AND l.type = r.type)`,
  insertQueues: `INSERT INTO tasklane.queues (name, is_paused) SELECT name, false FROM unnest($1::text[]) AS r (name)
    ON CONFLICT (name) DO NOTHING`,
  // A reason that is none, or the one that it has, is not another one: then all stays as it is.
  pauseQueue: `INSERT INTO tasklane.queues AS q (name, is_paused, paused_at, paused_by, pause_reason)
    VALUES ($1, true, $2::bigint, $3, $4)
    ON CONFLICT (name) DO UPDATE SET is_paused = true, paused_at = excluded.paused_at, paused_by = excluded.paused_by,
      pause_reason = excluded.pause_reason
    WHERE NOT q.is_paused OR excluded.pause_reason <> coalesce(q.pause_reason, '')`,
  resumeQueue: `INSERT INTO tasklane.queues (name, is_paused) VALUES ($1, false)
    ON CONFLICT (name) DO UPDATE SET is_paused = false, paused_at = NULL, paused_by = NULL, pause_reason = NULL`,
  appendCounters: `INSERT INTO tasklane.counter_changes (lane, state, n)
    SELECT lane, state, n FROM unnest($1::int[], $2::text[], $3::bigint[]) AS r (lane, state, n)`,
  check: `INSERT INTO tasklane.meta (name, value) VALUES ('checked_at', $1)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value`,

  // ─── Tasks at hand ────────────────────────────────────────────────────────────────────────────────────────────────
  holdByIds: `SELECT ${stateColumns} FROM tasklane.tasks AS t WHERE t.id = ANY($1::text[])
    ORDER BY t.number + 0 FOR NO KEY UPDATE`,
  holdByNumbers: `SELECT ${stateColumns} FROM tasklane.tasks AS t WHERE t.number = ANY($1::bigint[])
    ORDER BY t.number FOR NO KEY UPDATE`,
  // The one statement behind every transition of a task that this transaction holds.
  writeTasks: `UPDATE tasklane.tasks AS t SET state = r.state, attempt = r.attempt, crashes = r.crashes,
      worker_id = r.worker_id, lease_until = r.lease_until, started_at = r.started_at,
      cancel_requested_at = r.cancel_requested_at, run_at = r.run_at, priority = r.priority,
      priority_source = r.priority_source, rank = r.rank, finished_at = r.finished_at, end_outcome = r.end_outcome,
      settled_as = r.settled_as, waiting_count = r.waiting_count, has_dependents = r.has_dependents,
      fingerprint = CASE r.state WHEN 'failed' THEN coalesce(r.fingerprint, t.fingerprint) END,
      failed_at = CASE WHEN r.state <> 'failed' THEN NULL WHEN r.fingerprint IS NULL THEN t.failed_at ELSE r.finished_at END,
      error = CASE WHEN r.writes_error THEN r.error ELSE t.error END,
      result = CASE WHEN r.writes_result THEN r.result ELSE t.result END,
      progress = CASE WHEN r.writes_progress THEN r.progress ELSE t.progress END
    FROM json_to_recordset($1::json) AS r (number bigint, was text, epoch int, state text, attempt int, crashes int,
      worker_id text, lease_until bigint, started_at bigint, cancel_requested_at bigint, run_at bigint,
      priority float8, priority_source text, rank float8, finished_at bigint, end_outcome text, settled_as text,
      waiting_count int, has_dependents boolean, writes_error boolean, error text, writes_result boolean, result text,
      writes_progress boolean, progress text, fingerprint text)
    WHERE r.number = +r.number AND t.number = r.number AND t.epoch = r.epoch AND t.state || '' = r.was`,
  // A child that waits for fewer parents than before, or for none.
  writeChildren: `UPDATE tasklane.tasks AS t SET state = r.state, waiting_count = r.waiting_count
    FROM unnest($1::bigint[], $2::text[], $3::int[]) AS r (number, state, waiting_count)
    WHERE r.number = +r.number AND t.number = r.number AND t.state || '' = 'blocked'`,
  insertAttempts: `INSERT INTO tasklane.attempts (number, epoch, attempt, worker_id, started_at, ended_at, outcome,
      settled_as, error)
    SELECT number, epoch, attempt, worker_id, started_at, ended_at, outcome, settled_as, error
    FROM json_to_recordset($1::json) AS r (number bigint, epoch int, attempt int, worker_id text, started_at bigint,
      ended_at bigint, outcome text, settled_as text, error text)`,
  keepLastAttempts: `INSERT INTO tasklane.attempts (number, epoch, attempt, worker_id, started_at, ended_at, outcome,
      settled_as, error)
    SELECT number, epoch, attempt, worker_id, started_at, finished_at, end_outcome, settled_as, error
    FROM tasklane.tasks WHERE number = ANY($1::bigint[]) AND end_outcome IS NOT NULL`,

  // ─── Settle ───────────────────────────────────────────────────────────────────────────────────────────────────────
  // $1 is the time, null where it is the database's.
  completeTasks: `UPDATE tasklane.tasks AS t SET state = 'completed', result = r.result, error = NULL,
      finished_at = (SELECT coalesce($1::bigint, ${now})),
      lease_until = NULL, cancel_requested_at = NULL, end_outcome = 'completed', settled_as = 'completed'
    FROM (SELECT p.number, r.epoch, r.worker_id, r.result
      FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[]) AS r (id, epoch, worker_id, result)
      JOIN tasklane.tasks AS p ON p.id = r.id WHERE r.id = r.id || '' ORDER BY p.number + 0) AS r
    WHERE t.number = r.number AND t.epoch = r.epoch AND t.worker_id || '' = r.worker_id AND t.state || '' = 'running'
    RETURNING t.id, t.number, t.lane, t.due_at, t.started_at, t.has_dependents`,
  attemptsSettledAs: `SELECT a.number, a.epoch, a.worker_id, a.settled_as
    FROM unnest($1::bigint[], $2::bigint[]) AS r (number, epoch)
    JOIN tasklane.attempts AS a ON a.number = r.number AND a.epoch = r.epoch WHERE r.number = +r.number`,

  // ─── Dependencies ─────────────────────────────────────────────────────────────────────────────────────────────────
  // Open edges of these parents, in their order, and one more than may be resolved to tell whether there are others.
  holdOpenChildren: `SELECT ${stateColumns} FROM tasklane.tasks AS t WHERE t.number = ANY (ARRAY(
      SELECT e.child FROM unnest($1::bigint[]) WITH ORDINALITY AS r (parent, turn) CROSS JOIN LATERAL (
        SELECT child FROM tasklane.edges WHERE parent = r.parent AND NOT resolved ORDER BY child LIMIT $2) AS e
      ORDER BY r.turn, e.child LIMIT $2)) ORDER BY t.number + 0 FOR NO KEY UPDATE`,
  openEdges: `SELECT e.parent, e.child, e.position, e.policy FROM unnest($1::bigint[]) WITH ORDINALITY AS r (parent, turn)
    CROSS JOIN LATERAL (SELECT parent, child, position, policy FROM tasklane.edges
      WHERE parent = r.parent AND NOT resolved ORDER BY child LIMIT $2) AS e
    ORDER BY r.turn, e.child LIMIT $2`,
  resolveEdges: `UPDATE tasklane.edges AS e SET resolved = true FROM unnest($1::bigint[], $2::int[]) AS r (child, position)
    WHERE r.child = +r.child AND e.child = r.child AND e.position = r.position AND NOT e.resolved`,
  withOpenEdges: `SELECT r.parent FROM unnest($1::bigint[]) AS r (parent)
    WHERE EXISTS (SELECT 1 FROM tasklane.edges AS e WHERE e.parent = r.parent AND NOT e.resolved OFFSET 0)`,
  insertUnresolved: `INSERT INTO tasklane.unresolved (parent) SELECT parent FROM unnest($1::bigint[]) AS r (parent)
    ON CONFLICT (parent) DO NOTHING`,
  // Skips what another node is at.
  takeUnresolved: `DELETE FROM tasklane.unresolved WHERE turn = ANY (ARRAY(
      SELECT turn FROM tasklane.unresolved ORDER BY turn LIMIT $1 FOR UPDATE SKIP LOCKED)) RETURNING parent, turn`,
  isAnyUnresolved: 'SELECT EXISTS (SELECT 1 FROM tasklane.unresolved)',

  // ─── Submit ───────────────────────────────────────────────────────────────────────────────────────────────────────
  insertTasks: `INSERT INTO tasklane.tasks (id, lane, state, rank, due_at, priority, priority_source, created_at, run_at,
      waiting_count, parent_count, has_dependents, timeout_ms, max_retries, delay_ms, asked_priority, policy,
      idempotency_key, submitted_by, trace, name, labels, payload, description)
    SELECT id, lane, state, rank, due_at, priority, priority_source, $1::bigint, run_at, waiting_count, parent_count,
      has_dependents, timeout_ms, max_retries, delay_ms, asked_priority, policy, idempotency_key, submitted_by, trace, name,
      labels, payload, description
    FROM json_to_recordset($2::json) AS r (id text, lane int, state text, rank float8, due_at bigint, priority float8,
      priority_source text, run_at bigint, waiting_count int, parent_count int, has_dependents boolean, timeout_ms bigint,
      max_retries int, delay_ms bigint, asked_priority float8, policy text, idempotency_key text, submitted_by text,
      trace text, name text, labels text, payload text, description text)
    ON CONFLICT DO NOTHING RETURNING number, id`,
  // The same where a task says no more than what most say. Those with a worker are handed over in the same breath: their
  // first epoch, their first attempt.
  insertPlainTasks: `INSERT INTO tasklane.tasks (id, lane, state, rank, due_at, priority, priority_source, created_at,
      waiting_count, parent_count, has_dependents, timeout_ms, max_retries, asked_priority, policy, trace, payload,
      submitted_by, worker_id, lease_until, started_at, epoch, attempt)
    SELECT r.id, r.lane, CASE WHEN r.worker_id IS NULL THEN 'pending' ELSE 'running' END, n.at - r.priority * $2::float8,
      n.at, r.priority, r.priority_source, n.at, 0, 0, false, r.timeout_ms, r.max_retries, r.asked_priority, r.policy,
      r.trace, r.payload, r.submitted_by, r.worker_id, r.lease_until, CASE WHEN r.worker_id IS NOT NULL THEN n.at END,
      CASE WHEN r.worker_id IS NULL THEN 0 ELSE 1 END, CASE WHEN r.worker_id IS NULL THEN 0 ELSE 1 END
    FROM (SELECT coalesce($1::bigint, ${now})) AS n (at), unnest($3::text[], $4::int[], $5::float8[], $6::text[],
      $7::bigint[], $8::int[], $9::float8[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[])
      AS r (id, lane, priority, priority_source, timeout_ms, max_retries, asked_priority, policy, trace, payload,
        submitted_by, worker_id, lease_until)
    ON CONFLICT DO NOTHING RETURNING number, id`,
  deleteTasks: 'DELETE FROM tasklane.tasks WHERE number = ANY($1::bigint[])',
  insertEdges: `INSERT INTO tasklane.edges (child, position, parent, parent_id, policy, resolved, is_repeat)
    SELECT child, position, parent, parent_id, policy, resolved, is_repeat
    FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::text[], $5::text[], $6::boolean[], $7::boolean[])
      AS r (child, position, parent, parent_id, policy, resolved, is_repeat)`,
  namedTasks: `SELECT number, id, idempotency_key, state FROM tasklane.tasks WHERE id = ANY($1::text[])
    UNION SELECT number, id, idempotency_key, state FROM tasklane.tasks WHERE idempotency_key = ANY($2::text[])`,
  asked: `SELECT ${recordColumns}, t.asked_priority, t.delay_ms, t.due_at FROM tasklane.tasks AS t
    WHERE t.number = ANY($1::bigint[])`,
  // First the mark, one submit at a time, then a lock that many may share; the end of the parent waits for both.
  markDependents: `UPDATE tasklane.tasks SET has_dependents = true WHERE number = ANY (ARRAY(
      SELECT number FROM tasklane.tasks WHERE number = ANY($1::bigint[]) AND NOT has_dependents
      ORDER BY number FOR NO KEY UPDATE))`,
  shareParents: `SELECT number, state FROM tasklane.tasks WHERE number = ANY($1::bigint[]) ORDER BY number FOR SHARE`,

  // ─── Beat ─────────────────────────────────────────────────────────────────────────────────────────────────────────
  // Beats pass over what another transaction is at (beats.ts).
  touchWorkers: `UPDATE tasklane.workers AS w SET last_seen_at = $1, system_info = coalesce(c.system_info, w.system_info)
    FROM (SELECT p.id, r.system_info FROM unnest($2::text[], $3::text[]) AS r (id, system_info)
      JOIN tasklane.workers AS p ON p.id = r.id FOR NO KEY UPDATE OF p SKIP LOCKED) AS c
    WHERE w.id = c.id RETURNING w.id, w.is_draining`,
  draining: 'SELECT id, is_draining FROM tasklane.workers WHERE id = ANY($1::text[])',
  heldBy: `SELECT t.worker_id, t.id, t.epoch FROM tasklane.tasks AS t
    WHERE t.worker_id = ANY($1::text[]) AND t.state = 'running' ORDER BY t.number`,
  extendLeases: extend('FOR NO KEY UPDATE OF p SKIP LOCKED'),
  extendLeasesWaiting: extend('FOR NO KEY UPDATE OF p'),
  liveLeases: `SELECT t.id, t.worker_id, t.epoch, t.lease_until, t.cancel_requested_at IS NOT NULL FROM tasklane.tasks AS t
    WHERE t.id = ANY($1::text[]) AND t.state || '' = 'running'`,

  // ─── Claim ────────────────────────────────────────────────────────────────────────────────────────────────────────
  pausedQueues: 'SELECT name, is_paused, paused_at, paused_by, pause_reason FROM tasklane.queues WHERE is_paused',
  // Everything that is known before a claim, in one answer: paused queues, the workers, what their requests handed out
  // before, lanes that this node does not know, and whether anything is pending in those that it asks for.
  claimFacts: `SELECT 'paused', name, NULL, NULL FROM tasklane.queues WHERE is_paused
    UNION ALL SELECT 'worker', id, is_draining::text, last_seen_at::text FROM tasklane.workers WHERE id = ANY($1::text[])
    UNION ALL SELECT 'request', c.worker_id, c.request_id, c.leases
      FROM unnest($2::text[], $3::text[]) AS r (worker_id, request_id)
      JOIN tasklane.claim_requests AS c ON c.worker_id = r.worker_id AND c.request_id = r.request_id
      WHERE r.request_id = r.request_id || ''
    UNION ALL SELECT 'lane', id::text, queue, type FROM tasklane.lanes WHERE id > $4
    UNION ALL SELECT 'pending', NULL, NULL, NULL WHERE EXISTS (SELECT 1 FROM unnest($5::int[], $6::float8[]) AS l (lane, rank)
      WHERE EXISTS (SELECT 1 FROM tasklane.tasks AS t WHERE t.state = 'pending' AND t.lane = l.lane AND t.rank >= l.rank)
        AND NOT EXISTS (SELECT 1 FROM tasklane.lanes AS n JOIN tasklane.queues AS q ON q.name = n.queue
          WHERE n.id = l.lane AND q.is_paused))`,
  forgetClaimRequests: `DELETE FROM tasklane.claim_requests AS c
    USING unnest($1::text[], $2::text[], $3::text[]) AS r (worker_id, request_id, leases)
    WHERE r.request_id = r.request_id || '' AND c.worker_id = r.worker_id AND c.request_id = r.request_id
      AND c.leases = r.leases`,
  // Fails where another transaction wrote one of them since they were looked for, and takes the whole transaction along.
  insertClaimRequests: `INSERT INTO tasklane.claim_requests (at, worker_id, request_id, leases)
    SELECT $1::bigint, worker_id, request_id, leases
    FROM unnest($2::text[], $3::text[], $4::text[]) AS r (worker_id, request_id, leases)`,
  // Whoever is at a worker's row hears of it, too.
  seeWorkers: `UPDATE tasklane.workers SET last_seen_at = $1 WHERE id = ANY (ARRAY(
      SELECT id FROM tasklane.workers WHERE id = ANY($2::text[]) AND last_seen_at < $1 FOR NO KEY UPDATE SKIP LOCKED))`,
  recordsByNumbers: `SELECT ${recordColumns} FROM tasklane.tasks AS t WHERE t.number = ANY($1::bigint[])`,
  // The first of each lane, without locks. Where there are many lanes, those that have something are found by skipping
  // from one to the next through the index.
  candidates: `SELECT c.lane, c.number, c.rank, c.due_at, c.priority, c.parent_count, c.size
    FROM unnest($1::int[], $3::float8[]) AS l (lane, rank) CROSS JOIN LATERAL (
      SELECT t.lane, t.number, t.rank, t.due_at, t.priority, t.parent_count,
        coalesce(octet_length(t.payload), 0) + coalesce(octet_length(t.error), 0) AS size
      FROM tasklane.tasks AS t WHERE t.state = 'pending' AND t.lane = l.lane AND t.rank >= l.rank
      ORDER BY t.rank, t.number LIMIT $2) AS c`,
  pendingLanes: `WITH RECURSIVE l (lane) AS (
      (SELECT t.lane FROM tasklane.tasks AS t WHERE t.state = 'pending' ORDER BY t.lane LIMIT 1)
      UNION ALL
      SELECT (SELECT t.lane FROM tasklane.tasks AS t WHERE t.state = 'pending' AND t.lane > l.lane ORDER BY t.lane LIMIT 1)
      FROM l WHERE l.lane IS NOT NULL)
    SELECT lane FROM l WHERE lane IS NOT NULL`,
  // What somebody else is at is passed over, so that the order of the locks makes nobody wait; the limit counts what is
  // left. A child that this transaction has just released stands as blocked, and nobody else is at it.
  claimTasks: `UPDATE tasklane.tasks AS t SET state = 'running', worker_id = c.worker_id, started_at = $1::bigint,
      lease_until = least(c.lease_until, $1::bigint + t.timeout_ms + $2::bigint), epoch = t.epoch + 1, attempt = t.attempt + 1,
      progress = NULL, waiting_count = 0
    FROM (SELECT p.number, r.worker_id, r.lease_until
      FROM unnest($3::bigint[], $4::text[], $5::bigint[], $6::text[]) WITH ORDINALITY
        AS r (number, worker_id, lease_until, state, turn)
      JOIN tasklane.tasks AS p ON p.number = r.number
      WHERE r.number = +r.number AND p.state || '' = r.state ORDER BY r.turn LIMIT $7 FOR NO KEY UPDATE OF p SKIP LOCKED) AS c
    WHERE t.number = c.number RETURNING ${claimedColumns}`,

  // ─── Verbs ────────────────────────────────────────────────────────────────────────────────────────────────────────
  edgesOfChildren: `SELECT e.child, e.position, e.policy, e.resolved, e.parent, p.state
    FROM tasklane.edges AS e LEFT JOIN LATERAL (SELECT t.state FROM tasklane.tasks AS t WHERE t.number = e.parent OFFSET 0)
      AS p ON true
    WHERE e.child = ANY($1::bigint[]) AND NOT e.is_repeat ORDER BY e.child + 0, e.position`,
  edgesOfParents: `SELECT e.parent, e.child, e.position, e.resolved FROM tasklane.edges AS e
    WHERE e.parent = ANY($1::bigint[]) AND NOT e.is_repeat ORDER BY e.child + 0, e.position`,
  // What a requeue touches: the tasks, the cascaded ones below them, and the parents and children of all of these.
  familyOf: `WITH RECURSIVE own (number) AS (
      SELECT t.number FROM tasklane.tasks AS t WHERE t.id = ANY($1::text[])
      UNION SELECT e.child FROM own AS o
        CROSS JOIN LATERAL (SELECT child FROM tasklane.edges WHERE parent = o.number OFFSET 0) AS e
        CROSS JOIN LATERAL (SELECT 1 FROM tasklane.tasks AS c WHERE c.number = e.child AND c.state || '' = 'cancelled'
          AND left(c.error, 27) = '{"code":"dependency_failed"' OFFSET 0) AS u WHERE $2::boolean)
    SELECT number FROM own UNION SELECT e.parent FROM own AS o
      CROSS JOIN LATERAL (SELECT parent FROM tasklane.edges WHERE child = o.number OFFSET 0) AS e
    UNION SELECT e.child FROM own AS o
      CROSS JOIN LATERAL (SELECT child FROM tasklane.edges WHERE parent = o.number OFFSET 0) AS e`,
  setEdges: `UPDATE tasklane.edges AS e SET resolved = r.resolved
    FROM unnest($1::bigint[], $2::int[], $3::boolean[]) AS r (child, position, resolved)
    WHERE r.child = +r.child AND e.child = r.child AND e.position = r.position`,
  // From the edges to the children, not the other way round; without OFFSET 0 a table that was never analysed is walked.
  needed: `SELECT DISTINCT e.parent FROM tasklane.edges AS e CROSS JOIN LATERAL (SELECT 1 FROM tasklane.tasks AS c
      WHERE c.number = e.child AND c.state IN ('blocked', 'scheduled', 'pending', 'running') OFFSET 0) AS u
    WHERE e.parent = ANY($1::bigint[])`,
  forgetTasks: `DELETE FROM tasklane.tasks WHERE number = ANY($1::bigint[])
    AND state || '' IN ('completed', 'failed', 'cancelled')`,
  forgetEdges: 'DELETE FROM tasklane.edges WHERE child = ANY($1::bigint[])',
  forgetAttempts: 'DELETE FROM tasklane.attempts WHERE number = ANY($1::bigint[])',
  forgetLogs: 'DELETE FROM tasklane.logs WHERE number = ANY($1::bigint[])',
  forgetUnresolved: 'DELETE FROM tasklane.unresolved WHERE parent = ANY($1::bigint[])',

  // ─── Sweeps ───────────────────────────────────────────────────────────────────────────────────────────────────────
  promoteTasks: `UPDATE tasklane.tasks AS t SET state = 'pending' FROM (
      SELECT number FROM tasklane.tasks WHERE state = 'scheduled' AND run_at <= $1
      ORDER BY run_at, number LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED) AS d
    WHERE t.number = d.number RETURNING t.lane, t.rank`,
  nextDue: `SELECT run_at FROM tasklane.tasks WHERE state = 'scheduled' ORDER BY run_at, number LIMIT 1`,
  nextDueAfter: `SELECT run_at FROM tasklane.tasks WHERE state = 'scheduled' AND run_at > $1
    ORDER BY run_at, number LIMIT 1`,
  expiredLeases: `SELECT ${leaseColumns} FROM tasklane.tasks AS t
    WHERE t.state = 'running' AND t.lease_until <= $1 ORDER BY t.lease_until, t.number LIMIT $2`,
  shortenLeases: `UPDATE tasklane.tasks SET lease_until = $1 WHERE number = ANY (ARRAY(
      SELECT number FROM tasklane.tasks WHERE state = 'running' AND lease_until > $1 ORDER BY number FOR NO KEY UPDATE))`,
  oldTasks: `SELECT number, finished_at, created_at
    FROM tasklane.tasks WHERE number > $1 ORDER BY number LIMIT $2`,
  // Whether somebody depends on it is known once it is held: a child may have come since it was looked at.
  holdFinished: `SELECT number, lane, state, has_dependents FROM tasklane.tasks WHERE number = ANY($1::bigint[])
    AND finished_at < $2 ORDER BY number FOR UPDATE SKIP LOCKED`,
  pruneWorkers: `DELETE FROM tasklane.workers AS w WHERE w.last_seen_at < $1
    AND NOT EXISTS (SELECT 1 FROM tasklane.tasks AS t WHERE t.state = 'running' AND t.worker_id = w.id)`,
  pruneRequests: 'DELETE FROM tasklane.claim_requests WHERE at < $1',
  addUpCounters: `WITH taken AS (
      DELETE FROM tasklane.counter_changes WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM tasklane.counter_changes LIMIT 50000 FOR UPDATE SKIP LOCKED)) RETURNING lane, state, n)
    INSERT INTO tasklane.counters AS c (lane, state, n)
      SELECT lane, state, sum(n) FROM taken GROUP BY lane, state ORDER BY lane, state
    ON CONFLICT (lane, state) DO UPDATE SET n = c.n + excluded.n`,

  // ─── Workers and logs ─────────────────────────────────────────────────────────────────────────────────────────────
  workerInstance: 'SELECT instance, registered_at FROM tasklane.workers WHERE id = $1 FOR UPDATE',
  leasesOfWorker: `SELECT ${leaseColumns} FROM tasklane.tasks AS t
    WHERE t.state = 'running' AND t.worker_id = $1 ORDER BY t.number`,
  writeWorker: `INSERT INTO tasklane.workers (id, instance, capabilities, queues, slots, labels, types, is_draining,
      lease_ms, registered_at, last_seen_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, false, $8, $9, $10)
    ON CONFLICT (id) DO UPDATE SET instance = excluded.instance, capabilities = excluded.capabilities,
      queues = excluded.queues, slots = excluded.slots, labels = excluded.labels, types = excluded.types,
      is_draining = false, lease_ms = excluded.lease_ms, registered_at = excluded.registered_at,
      last_seen_at = excluded.last_seen_at`,
  drainWorker: 'UPDATE tasklane.workers SET is_draining = true WHERE id = $1',
  deleteWorker: 'DELETE FROM tasklane.workers WHERE id = $1',
  // Holds the rows, so that two calls never give one line's number twice.
  holdForLogs: `SELECT t.id, t.number, t.epoch, (SELECT coalesce(max(l.line), 0) FROM tasklane.logs AS l WHERE l.number = t.number)
    FROM tasklane.tasks AS t WHERE t.id = ANY($1::text[]) AND t.state || '' = 'running' AND t.worker_id || '' = $2
    ORDER BY t.number + 0 FOR NO KEY UPDATE OF t`,
  insertLogs: `INSERT INTO tasklane.logs (number, line, epoch, at, level, message)
    SELECT number, line, epoch, at, level, message
    FROM unnest($1::bigint[], $2::int[], $3::int[], $4::bigint[], $5::text[], $6::text[])
      AS r (number, line, epoch, at, level, message)`,
} as const

export type StatementName = keyof typeof texts

export const statements: Readonly<Record<StatementName, Statement>> = name(texts)

/** A statement is prepared under its own name; the texts of one version never change, so that the names may be short. */
export function name<Name extends string>(named: Readonly<Record<Name, string>>): Readonly<Record<Name, Statement>> {
  const entries = Object.entries<string>(named).map(([key, text]) => [key, { name: key, text }] as const)
  // The names are those of `named` by construction.
  return Object.freeze(Object.fromEntries(entries)) as Readonly<Record<Name, Statement>>
}
