import type { Nodes } from './nodes.ts'

/**
 * What must hold whenever no transaction is under way, each as a query for what breaks it. Whoever adds a column that
 * says something twice adds a line here.
 */
const violations: Readonly<Record<string, string>> = {
  'counters are the counted rows': `
    SELECT lane, state, sum(n) AS off_by FROM (
      SELECT lane, state, n FROM tasklane.counters UNION ALL SELECT lane, state, n FROM tasklane.counter_changes
      UNION ALL SELECT lane, state, -1 FROM tasklane.tasks) AS c
    GROUP BY lane, state HAVING sum(n) <> 0`,
  'a blocked task waits for as many parents as it has open edges, and for one at least': `
    SELECT t.id, t.waiting_count, o.n AS open FROM tasklane.tasks AS t CROSS JOIN LATERAL (
      SELECT count(*) AS n FROM tasklane.edges AS e WHERE e.child = t.number AND NOT e.resolved) AS o
    WHERE t.state = 'blocked' AND (o.n <> t.waiting_count OR o.n = 0)`,
  'an edge is open only while its parent has not ended, or its parent is remembered': `
    SELECT e.child, e.position, p.id, p.state FROM tasklane.edges AS e JOIN tasklane.tasks AS p ON p.number = e.parent
    WHERE NOT e.resolved AND p.state IN ('completed', 'failed', 'cancelled')
      AND NOT EXISTS (SELECT 1 FROM tasklane.unresolved AS u WHERE u.parent = e.parent)`,
  'nobody is blocked on a task that is gone': `
    SELECT c.id FROM tasklane.edges AS e JOIN tasklane.tasks AS c ON c.number = e.child
    WHERE NOT e.resolved AND c.state = 'blocked'
      AND NOT EXISTS (SELECT 1 FROM tasklane.tasks AS p WHERE p.number = e.parent)`,
  'a parent of somebody knows it': `
    SELECT p.id FROM tasklane.edges AS e JOIN tasklane.tasks AS p ON p.number = e.parent WHERE NOT p.has_dependents`,
  'an edge goes with its child': `
    SELECT e.child FROM tasklane.edges AS e
    WHERE NOT EXISTS (SELECT 1 FROM tasklane.tasks AS c WHERE c.number = e.child)`,
  'whoever runs has a worker and a lease, and nobody else has a lease': `
    SELECT id, state FROM tasklane.tasks
    WHERE (state = 'running') <> (lease_until IS NOT NULL) OR (state = 'running' AND worker_id IS NULL)`,
  'whoever has ended knows when, and nobody else does': `
    SELECT id, state FROM tasklane.tasks
    WHERE (state IN ('completed', 'failed', 'cancelled')) <> (finished_at IS NOT NULL)`,
}

/** But for those in $1 and what is below them. */
const orphans = `
  WITH RECURSIVE anew (number) AS (
    SELECT number FROM tasklane.tasks WHERE id = ANY($1::text[])
    UNION SELECT parent FROM tasklane.edges WHERE parent_id = ANY($1::text[])
    UNION SELECT e.child FROM tasklane.edges AS e JOIN anew AS a ON a.number = e.parent)
  SELECT c.id, e.parent_id FROM tasklane.edges AS e JOIN tasklane.tasks AS c ON c.number = e.child
  WHERE c.state IN ('blocked', 'scheduled', 'pending', 'running') AND c.number NOT IN (SELECT number FROM anew)
    AND NOT EXISTS (SELECT 1 FROM tasklane.tasks AS p WHERE p.number = e.parent) LIMIT 5`

/**
 * What is broken, in words; empty where all is well.
 * @param startedAnew tasks that were retried: once they had ended, nothing kept their parents
 */
export async function broken(
  { ask }: Pick<Nodes, 'ask'>,
  startedAnew: readonly string[] = [],
): Promise<readonly string[]> {
  const found: string[] = []
  const lost = await ask(orphans, startedAnew)
  if (lost.length > 0) found.push(`an unfinished child has all its parents: ${JSON.stringify(lost)}`)
  for (const [sentence, query] of Object.entries(violations)) {
    const rows = await ask(`${query} LIMIT 5`)
    if (rows.length > 0) found.push(`${sentence}: ${JSON.stringify(rows)}`)
  }
  return found
}
