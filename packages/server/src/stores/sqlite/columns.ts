/**
 * Column lists and the readers that take them apart again: the order of one is the order of the other. A task's
 * dependencies are rows of their own and come separately.
 */
export const recordColumns = `number, id, lane, state, rank, due_at, priority, priority_source, epoch, attempt, crashes,
  worker_id, lease_until, started_at, cancel_requested_at, created_at, run_at, finished_at, parent_count, timeout_ms,
  max_retries, policy, idempotency_key, submitted_by, trace, name, labels, progress,
  CASE is_payload_apart WHEN 0 THEN payload ELSE (SELECT text FROM payloads WHERE payloads.number = tasks.number) END,
  error, description, result`

/** What most pending tasks have alike; `toCandidate` puts it in where `oddities` is null. */
const isUsual = `coalesce(run_at, name, labels, idempotency_key, submitted_by, error, description) IS NULL
  AND epoch = 0 AND attempt = 0 AND crashes = 0 AND parent_count = 0 AND has_dependents = 0
  AND policy = 'cancel' AND priority_source = 'default'`

/**
 * What a claim reads: the rest of a pending task's record is known. A column costs 0.1 µs a row, so that those which
 * most tasks have alike come as one text, or as null; labels and error are JSON texts and stay texts in it.
 */
export const candidateColumns = `number, id, rank, due_at, priority, created_at, timeout_ms, max_retries, trace,
  CASE is_payload_apart WHEN 0 THEN payload ELSE (SELECT text FROM payloads WHERE payloads.number = tasks.number) END,
  CASE WHEN ${isUsual} THEN NULL
    ELSE json_array(run_at, name, labels, idempotency_key, submitted_by, error, description, epoch, attempt, crashes,
      parent_count, has_dependents, policy, priority_source) END`

/** What an attempt's end is decided and told from. */
export const settleColumns = `number, lane, state, epoch, worker_id, lease_until, cancel_requested_at, attempt, due_at,
  started_at, has_dependents, end_outcome, settled_as`

/** A live lease, and what core needs to decide how its attempt ends. */
export const leaseColumns = `number, id, state, epoch, worker_id, attempt, crashes, max_retries, started_at, timeout_ms,
  lease_until, cancel_requested_at`
