import { recordColumns } from './columns.ts'
import type { Database, Statement } from './database.ts'
import { prepareAll } from './statements.ts'

// Each condition is off where its parameter is null, so that one constant text serves every filter. Lanes stand for
// queues and types, which the registry has in memory. ?1 below number, ?2 states, ?3 lanes, ?4 worker, ?5 label key,
// ?6 label value, ?7 text in lower case, ?8 lanes whose type contains the text, ?9 submitter, ?10 limit, ?11 fingerprint,
// ?12 and ?13 creation from and before, ?14 and ?15 priority, ?16 above number.
const matches = `number < ?1 AND number > ?16
  AND (?2 IS NULL OR state IN (SELECT value FROM json_each(?2)))
  AND (?3 IS NULL OR lane IN (SELECT value FROM json_each(?3)))
  AND (?4 IS NULL OR worker_id = ?4)
  AND (?5 IS NULL OR (labels IS NOT NULL
    AND EXISTS (SELECT 1 FROM json_each(labels) WHERE key = ?5 AND (?6 IS NULL OR value = ?6))))
  AND (?7 IS NULL OR instr(lower(id), ?7) > 0 OR instr(lower(name), ?7) > 0
    OR lane IN (SELECT value FROM json_each(?8)))
  AND (?9 IS NULL OR submitted_by = ?9)
  AND (?11 IS NULL OR fingerprint = ?11)
  AND (?12 IS NULL OR created_at >= ?12) AND (?13 IS NULL OR created_at < ?13)
  AND (?14 IS NULL OR priority >= ?14) AND (?15 IS NULL OR priority <= ?15)`

/** Longer results and errors of parents are read by a statement of their own. */
export const familyTextBytesMax = 4_096

/** Statements that only read, for the calls of `ReadStore`. */
export const readTexts = {
  recordById: `SELECT ${recordColumns} FROM tasks WHERE id = ?`,
  recordByNumber: `SELECT ${recordColumns} FROM tasks WHERE number = ?`,
  numberById: 'SELECT number FROM tasks WHERE id = ?',
  submittersOf: 'SELECT id, submitted_by FROM tasks WHERE id IN (SELECT value FROM json_each(?))',
  unfinishedAmong: `SELECT id FROM tasks WHERE id IN (SELECT value FROM json_each(?)) AND finished_at IS NULL`,
  dependencies: 'SELECT parent_id FROM edges WHERE child = ? ORDER BY position',

  page: `SELECT number, id FROM tasks NOT INDEXED WHERE ${matches} ORDER BY number DESC LIMIT ?10 + 0`,
  // One submitter's, whatever their states: as far as the walk goes, it goes over their own.
  submitterPage: `SELECT number, id FROM tasks INDEXED BY tasks_submitter WHERE submitted_by = ?9 AND ${matches}
    ORDER BY number DESC LIMIT ?10 + 0`,
  fingerprintPage: `SELECT number, id FROM tasks INDEXED BY tasks_fingerprint WHERE fingerprint = ?11 AND ${matches}
    ORDER BY number DESC LIMIT ?10 + 0`,
  // The literal state is what lets SQLite use the partial index.
  blockedPage: `SELECT number, id FROM tasks INDEXED BY tasks_blocked WHERE state = 'blocked' AND ${matches}
    ORDER BY number DESC LIMIT ?10 + 0`,
  scheduledPage: `SELECT number, id FROM tasks INDEXED BY tasks_scheduled WHERE state = 'scheduled' AND ${matches}
    ORDER BY number DESC LIMIT ?10 + 0`,
  runningPage: `SELECT number, id FROM tasks INDEXED BY tasks_running WHERE state = 'running' AND ${matches}
    ORDER BY number DESC LIMIT ?10 + 0`,
  failedPage: `SELECT number, id FROM tasks INDEXED BY tasks_failed WHERE state = 'failed' AND ${matches}
    ORDER BY number DESC LIMIT ?10 + 0`,
  cancelledPage: `SELECT number, id FROM tasks INDEXED BY tasks_cancelled WHERE state = 'cancelled' AND ${matches}
    ORDER BY number DESC LIMIT ?10 + 0`,

  // Two of one: min and max in one SELECT would walk the table.
  ends: 'SELECT (SELECT min(number) FROM tasks), (SELECT max(number) FROM tasks)',

  attempts: `SELECT attempt, epoch, worker_id, started_at, ended_at, outcome, error FROM attempts
    WHERE number = ? ORDER BY epoch`,
  lastAttempt: `SELECT number, attempt, epoch, worker_id, started_at, finished_at,
      CASE state WHEN 'running' THEN 'running' ELSE end_outcome END, error, state
    FROM tasks WHERE id = ?`,
  logs: 'SELECT line, epoch, at, level, message FROM logs WHERE number = ? AND line > ? ORDER BY line LIMIT ? + 0',

  // A child's dependencies with what is known of its parents; long texts are left for `parents`.
  family: `SELECT e.parent_id, e.is_repeat, p.state, coalesce(octet_length(p.result), 0) + coalesce(octet_length(p.error), 0),
      CASE WHEN octet_length(p.result) <= ${familyTextBytesMax} THEN p.result END,
      CASE WHEN octet_length(p.error) <= ${familyTextBytesMax} THEN p.error END
    FROM edges AS e LEFT JOIN tasks AS p ON p.number = e.parent
    WHERE e.child = ? ORDER BY e.position`,
  parentSizes: `SELECT coalesce(octet_length(p.result), 0) + coalesce(octet_length(p.error), 0)
    FROM edges AS e LEFT JOIN tasks AS p ON p.number = e.parent
    WHERE e.child = ? AND e.is_repeat = 0 ORDER BY e.position LIMIT -1 OFFSET ? + 0`,
  parents: `SELECT e.parent_id, p.state, p.result, p.error FROM edges AS e LEFT JOIN tasks AS p ON p.number = e.parent
    WHERE e.child = ? AND e.is_repeat = 0 ORDER BY e.position LIMIT ? + 0 OFFSET ? + 0`,
  parentNumbers: `SELECT p.number FROM edges AS e JOIN tasks AS p ON p.number = e.parent
    WHERE e.child = ? AND e.is_repeat = 0 ORDER BY e.position LIMIT ? + 0`,
  childNumbers: `SELECT DISTINCT child FROM edges WHERE parent = ? ORDER BY child LIMIT ? + 0`,
  edgesOf: `SELECT parent, parent_id, policy FROM edges WHERE child = ? AND is_repeat = 0 ORDER BY position`,
  // For a child with more parents than are asked about: each is looked up by itself in the index.
  edgesFrom: `SELECT e.parent, e.parent_id, e.policy FROM json_each(?2) CROSS JOIN edges AS e INDEXED BY edges_parent
    WHERE e.parent = json_each.value AND e.resolved IN (0, 1) AND e.child = ?1 AND e.is_repeat = 0 ORDER BY e.position`,
  drawnByNumber: `SELECT number, id, lane, state, started_at, finished_at, parent_count, submitted_by, name
    FROM tasks WHERE number = ?`,
  openParents: `SELECT p.id, p.state FROM edges AS e JOIN tasks AS p ON p.number = e.parent
    WHERE e.child = ? AND e.resolved = 0 ORDER BY e.position LIMIT ? + 0`,
  openParentCount: `SELECT count(*) FROM edges AS e JOIN tasks AS p ON p.number = e.parent
    WHERE e.child = ? AND e.resolved = 0`,

  rankOfTask: 'SELECT rank FROM tasks WHERE number = ?',
  rankBefore: `SELECT count(*) FROM (SELECT 1 FROM tasks INDEXED BY tasks_pending
    WHERE state = 'pending' AND lane = ? AND (rank, number) < (?, ?) LIMIT ? + 0)`,
  firstInLine: `SELECT id, due_at FROM tasks INDEXED BY tasks_pending WHERE state = 'pending' AND lane = ?
    ORDER BY rank, number LIMIT 1`,
  oldestDue: `SELECT min(due_at) FROM tasks INDEXED BY tasks_pending WHERE state = 'pending' AND lane = ?`,

  // Bounded by what is looked at, not by what is found.
  timedOut: `SELECT count(*) FROM (SELECT end_outcome, submitted_by FROM tasks INDEXED BY tasks_failed
      WHERE state = 'failed' ORDER BY number DESC LIMIT ?1 + 0)
    WHERE end_outcome = 'timeout' AND (?2 IS NULL OR submitted_by = ?2)`,

  failures: `SELECT f.fingerprint, count(*), min(f.failed_at), max(f.failed_at), max(f.number)
    FROM (SELECT fingerprint, failed_at, number FROM tasks INDEXED BY tasks_failures
      WHERE failed_at IS NOT NULL AND failed_at >= ?1 ORDER BY failed_at DESC LIMIT ?2 + 0) AS f
    GROUP BY f.fingerprint ORDER BY max(f.failed_at) DESC, f.fingerprint LIMIT ?3 + 0`,
  failureTrend: `SELECT f.fingerprint, CAST((f.failed_at - ?1) / ?4 AS INTEGER), count(*)
    FROM (SELECT fingerprint, failed_at FROM tasks INDEXED BY tasks_failures
      WHERE failed_at IS NOT NULL AND failed_at >= ?1 ORDER BY failed_at DESC LIMIT ?2 + 0) AS f
    WHERE f.fingerprint IN (SELECT value FROM json_each(?3)) GROUP BY 1, 2`,
  failureNewest: `SELECT lane, worker_id, attempt - crashes > max_retries FROM tasks INDEXED BY tasks_fingerprint
    WHERE fingerprint = ? ORDER BY number DESC LIMIT ? + 0`,
  failureSample: 'SELECT id, lane, error FROM tasks WHERE number = ?',

  putHistory: `INSERT INTO history (step, queue, at, node, cell) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (step, queue, at, node) DO UPDATE SET cell = excluded.cell`,
  history: 'SELECT at, cell FROM history WHERE step = ? AND queue = ? AND at >= ? ORDER BY at, node LIMIT ? + 0',
  pruneHistory: `DELETE FROM history WHERE (step, queue, at, node) IN
    (SELECT step, queue, at, node FROM history WHERE step = ? AND at < ? LIMIT ? + 0)`,

  presence: 'SELECT id, slots, is_draining, lease_ms, last_seen_at FROM workers',
  workers: `SELECT id, instance, capabilities, queues, slots, labels, types, is_draining, system_info, registered_at,
      last_seen_at, lease_ms
    FROM workers ORDER BY id`,
  worker: `SELECT id, instance, capabilities, queues, slots, labels, types, is_draining, system_info, registered_at,
      last_seen_at, lease_ms
    FROM workers WHERE id = ?`,
  holdsOfWorker: `SELECT id FROM tasks INDEXED BY tasks_running WHERE state = 'running' AND worker_id = ? ORDER BY number`,
} as const

export type ReadStatements = Readonly<Record<keyof typeof readTexts, Statement>>

export function prepareReads(database: Database): ReadStatements {
  return prepareAll(database, readTexts)
}
