import { leaseColumns, recordColumns } from './columns.ts'
import { shortPage } from './short-page.ts'
import { name } from './statements.ts'

// Each condition is off where its parameter is null, so that one constant text serves every filter. Lanes stand for
// queues and types, which the registry knows. $1 below number, $2 states, $3 lanes, $4 worker, $5 label key, $6 label
// value, $7 text in lower case, $8 lanes whose type contains the text, $9 submitter, $10 limit, $11 fingerprint, $12 and $13 creation from
// and before, $14 and $15 priority, $16 above number.
const conditions = `t.number > $16::bigint AND ($2::text[] IS NULL OR t.state || '' = ANY($2))
  AND ($3::int[] IS NULL OR t.lane = ANY($3))
  AND ($4::text IS NULL OR t.worker_id || '' = $4)
  AND ($5::text IS NULL OR (t.labels IS NOT NULL
    AND t.labels::json ->> $5 IS NOT NULL AND ($6::text IS NULL OR t.labels::json ->> $5 = $6)))
  AND ($7::text IS NULL OR strpos(lower(t.id), $7) > 0 OR strpos(lower(t.name), $7) > 0 OR t.lane = ANY($8::int[]))
  AND ($9::text IS NULL OR t.submitted_by || '' = $9)
  AND ($11::text IS NULL OR t.fingerprint || '' = $11)
  AND ($12::bigint IS NULL OR t.created_at >= $12) AND ($13::bigint IS NULL OR t.created_at < $13)
  AND ($14::float8 IS NULL OR t.priority >= $14) AND ($15::float8 IS NULL OR t.priority <= $15)`

/** From the newest down, between two numbers; where the way is another index, a second bound would look as if it left little. */
const walk = `SELECT t.number, t.id FROM tasklane.tasks AS t WHERE t.number < $1::bigint AND t.number > $16::bigint`
const page = `${walk} AND ${conditions}`

/** One submitter's, whatever their states: as far as the walk goes, it goes over their own. */
const submitted = `SELECT t.number, t.id FROM tasklane.tasks AS t WHERE t.submitted_by = $9 AND t.number + 0 < $1::bigint`

/** One group of failed tasks. */
const alike = `SELECT t.number, t.id FROM tasklane.tasks AS t WHERE t.fingerprint = $11 AND t.number + 0 < $1::bigint`

/** Longer results and errors of parents are read by a statement of their own. */
export const familyTextBytesMax = 4_096

const workerColumns = `w.id, w.instance, w.capabilities, w.queues, w.slots, w.labels, w.types, w.is_draining, w.system_info,
  w.registered_at, w.last_seen_at, w.lease_ms,
  (SELECT json_agg(t.id ORDER BY t.number)::text FROM tasklane.tasks AS t WHERE t.state = 'running' AND t.worker_id = w.id)`

/** The parent of an edge, looked up by itself whatever the planner believes. */
const parent = `LATERAL (SELECT t.number, t.id, t.state, t.result, t.error FROM tasklane.tasks AS t
  WHERE t.number = e.parent OFFSET 0)`

/** Statements that only read, for the calls of `ReadStore`. */
export const readStatements = name({
  recordById: `SELECT ${recordColumns} FROM tasklane.tasks AS t WHERE t.id = $1`,
  recordsByNumber: `SELECT ${recordColumns} FROM tasklane.tasks AS t WHERE t.number = ANY($1::bigint[])`,
  submittersOf: 'SELECT id, submitted_by FROM tasklane.tasks WHERE id = ANY($1::text[])',
  unfinishedAmong: 'SELECT id FROM tasklane.tasks WHERE id = ANY($1::text[]) AND finished_at IS NULL',
  numberById: 'SELECT number FROM tasklane.tasks WHERE id = $1',

  page: `${shortPage(walk, conditions, 't.number')} LIMIT $10`,
  pages: `${page} ORDER BY t.number DESC LIMIT $10`,
  submitterPage: `${shortPage(submitted, conditions)} LIMIT $10`,
  submitterPages: `${submitted} AND ${conditions} ORDER BY t.number + 0 DESC LIMIT $10`,
  fingerprintPage: `${shortPage(alike, conditions)} LIMIT $10`,
  fingerprintPages: `${alike} AND ${conditions} ORDER BY t.number + 0 DESC LIMIT $10`,
  // A literal state is what lets the planner use the partial index.
  scheduledPage: `${page} AND t.state = 'scheduled' ORDER BY t.number DESC LIMIT $10`,
  runningPage: `${page} AND t.state = 'running' ORDER BY t.number DESC LIMIT $10`,
  blockedPage: `${page} AND t.state = 'blocked' ORDER BY t.number DESC LIMIT $10`,
  failedPage: `${page} AND t.state = 'failed' ORDER BY t.number DESC LIMIT $10`,
  cancelledPage: `${page} AND t.state = 'cancelled' ORDER BY t.number DESC LIMIT $10`,

  ends: 'SELECT (SELECT min(number) FROM tasklane.tasks), (SELECT max(number) FROM tasklane.tasks)',

  leasesByIds: `SELECT ${leaseColumns} FROM tasklane.tasks AS t
    WHERE t.id = ANY($1::text[]) AND t.state || '' = 'running'`,
  attempts: `SELECT attempt, epoch, worker_id, started_at, ended_at, outcome, error FROM tasklane.attempts
    WHERE number = $1 ORDER BY epoch`,
  lastAttempt: `SELECT number, attempt, epoch, worker_id, started_at, finished_at,
      CASE state WHEN 'running' THEN 'running' ELSE end_outcome END, error
    FROM tasklane.tasks WHERE id = $1`,
  logs: 'SELECT line, epoch, at, level, message FROM tasklane.logs WHERE number = $1 AND line > $2 ORDER BY line LIMIT $3',

  // The dependencies of these children with what is known of their parents; long texts are left for `parents`.
  families: `SELECT e.child, e.parent_id, e.is_repeat, p.state,
      coalesce(octet_length(p.result), 0) + coalesce(octet_length(p.error), 0),
      CASE WHEN octet_length(p.result) <= ${familyTextBytesMax} THEN p.result END,
      CASE WHEN octet_length(p.error) <= ${familyTextBytesMax} THEN p.error END
    FROM tasklane.edges AS e LEFT JOIN ${parent} AS p ON true
    WHERE e.child = ANY($1::bigint[]) ORDER BY e.child, e.position`,
  parentSizes: `SELECT coalesce(octet_length(p.result), 0) + coalesce(octet_length(p.error), 0)
    FROM tasklane.edges AS e LEFT JOIN ${parent} AS p ON true
    WHERE e.child = $1 AND NOT e.is_repeat ORDER BY e.position OFFSET $2`,
  parents: `SELECT e.parent_id, p.state, p.result, p.error
    FROM tasklane.edges AS e LEFT JOIN ${parent} AS p ON true
    WHERE e.child = $1 AND NOT e.is_repeat ORDER BY e.position LIMIT $2 OFFSET $3`,
  parentNumbers: `SELECT p.number FROM tasklane.edges AS e CROSS JOIN ${parent} AS p
    WHERE e.child = $1 AND NOT e.is_repeat ORDER BY e.position LIMIT $2`,
  childNumbers: `SELECT DISTINCT child FROM tasklane.edges WHERE parent = $1 ORDER BY child LIMIT $2`,
  edgesAmong: `SELECT parent, parent_id, child, policy FROM tasklane.edges
    WHERE child = ANY($1::bigint[]) AND parent = ANY($2::bigint[]) AND NOT is_repeat ORDER BY child, position LIMIT $3`,
  // For a child with more parents than are asked about: each is looked up by itself in the index.
  edgesFrom: `SELECT e.parent, e.parent_id, e.child, e.policy
    FROM unnest($2::bigint[]) AS p (number) JOIN tasklane.edges AS e ON e.parent = p.number
    WHERE p.number = +p.number AND e.child = $1 AND NOT e.is_repeat ORDER BY e.position LIMIT $3`,
  drawnByNumber: `SELECT number, id, lane, state, started_at, finished_at, submitted_by, name, parent_count
    FROM tasklane.tasks WHERE number = ANY($1::bigint[])`,
  openParents: `SELECT p.id, p.state FROM tasklane.edges AS e CROSS JOIN ${parent} AS p
    WHERE e.child = $1 AND NOT e.resolved ORDER BY e.position LIMIT $2`,
  openParentCount: `SELECT count(*) FROM tasklane.edges AS e CROSS JOIN ${parent} AS p
    WHERE e.child = $1 AND NOT e.resolved`,

  rankBefore: `SELECT count(*) FROM (SELECT 1 FROM tasklane.tasks AS t
    WHERE t.state = 'pending' AND t.lane = $1 AND (t.rank, t.number) < (SELECT o.rank, o.number FROM tasklane.tasks AS o
      WHERE o.number = $2) LIMIT $3) AS c`,
  firstInLine: `SELECT l.lane, f.id, f.due_at FROM unnest($1::int[]) AS l (lane)
    CROSS JOIN LATERAL (SELECT t.id, t.due_at FROM tasklane.tasks AS t WHERE t.state = 'pending' AND t.lane = l.lane
      ORDER BY t.rank, t.number LIMIT 1) AS f`,
  oldestDue: `SELECT min(t.due_at) FROM tasklane.tasks AS t WHERE t.state = 'pending' AND t.lane = $1`,

  queues: 'SELECT name, is_paused, paused_at, paused_by, pause_reason FROM tasklane.queues ORDER BY name',
  queue: 'SELECT name, is_paused, paused_at, paused_by, pause_reason FROM tasklane.queues WHERE name = $1',
  counts: `SELECT lane, state, sum(n)::bigint FROM (SELECT lane, state, n FROM tasklane.counters
    UNION ALL SELECT lane, state, n FROM tasklane.counter_changes) AS c GROUP BY lane, state`,

  // Bounded by what is looked at, not by what is found. Failed tasks are the last of the index of rare states: said so, no
  // other index can give their order, and the planner does not walk all numbers in search of them.
  timedOut: `SELECT count(*) FROM (SELECT t.end_outcome, t.submitted_by FROM tasklane.tasks AS t
      WHERE t.state IN ('blocked', 'failed', 'cancelled') AND t.state > 'cancelled'
      ORDER BY t.state DESC, t.number DESC LIMIT $1) AS f
    WHERE f.end_outcome = 'timeout' AND ($2::text IS NULL OR f.submitted_by = $2)`,

  failures: `SELECT g.fingerprint, g.n, g.first_at, g.last_at, t.id, t.lane, t.error
    FROM (SELECT f.fingerprint, count(*) AS n, min(f.failed_at) AS first_at, max(f.failed_at) AS last_at,
        max(f.number) AS sample
      FROM (SELECT fingerprint, failed_at, number FROM tasklane.tasks
        WHERE failed_at IS NOT NULL AND failed_at >= $1 ORDER BY failed_at DESC LIMIT $2) AS f
      GROUP BY f.fingerprint ORDER BY max(f.failed_at) DESC, f.fingerprint LIMIT $3) AS g
    CROSS JOIN LATERAL (SELECT id, lane, error FROM tasklane.tasks WHERE number = g.sample OFFSET 0) AS t ORDER BY g.last_at DESC, g.fingerprint`,

  failureTrend: `SELECT f.fingerprint, (f.failed_at - $1) / $4::bigint, count(*)
    FROM (SELECT fingerprint, failed_at FROM tasklane.tasks
      WHERE failed_at IS NOT NULL AND failed_at >= $1 ORDER BY failed_at DESC LIMIT $2) AS f
    WHERE f.fingerprint = ANY($3::text[]) GROUP BY 1, 2`,
  failureNewest: `SELECT g.fingerprint, n.lane, n.worker_id, n.is_used_up FROM unnest($1::text[]) AS g (fingerprint)
    CROSS JOIN LATERAL (SELECT t.lane, t.worker_id, t.attempt - t.crashes > t.max_retries AS is_used_up
      FROM tasklane.tasks AS t WHERE t.fingerprint = g.fingerprint ORDER BY t.number + 0 DESC LIMIT $2) AS n`,

  putHistory: `INSERT INTO tasklane.history (step, queue, at, node, cell)
    SELECT step, queue, at, node, cell
    FROM json_to_recordset($1::json) AS r (step int, queue text, at bigint, node text, cell text)
    ON CONFLICT (step, queue, at, node) DO UPDATE SET cell = excluded.cell`,
  history: `SELECT at, cell FROM tasklane.history WHERE step = $1 AND queue = $2 AND at >= $3
    ORDER BY at, node LIMIT $4`,
  pruneHistory: `DELETE FROM tasklane.history WHERE (step, queue, at, node) IN
    (SELECT step, queue, at, node FROM tasklane.history WHERE step = $1 AND at < $2 LIMIT $3)`,

  presence: 'SELECT id, slots, is_draining, lease_ms, last_seen_at FROM tasklane.workers',
  workers: `SELECT ${workerColumns} FROM tasklane.workers AS w ORDER BY w.id`,
  worker: `SELECT ${workerColumns} FROM tasklane.workers AS w WHERE w.id = $1`,
})
