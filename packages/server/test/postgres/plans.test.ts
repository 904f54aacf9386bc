import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../../../test/support/servers/postgres.ts'
import { accountStatements } from '../../src/stores/postgres/account-statements.ts'
import { planning } from '../../src/stores/postgres/database.ts'
import { readStatements } from '../../src/stores/postgres/read-statements.ts'
import { statements } from '../../src/stores/postgres/statements.ts'
import { hasPostgres, schemaTemplate } from '../support/postgres-stores.ts'

const all = Object.values({ ...statements, ...readStatements, ...accountStatements }).filter(({ text }) =>
  /tasklane\.(tasks|edges|audit)\b/.test(text),
)

const many = `
  INSERT INTO tasklane.tasks (rank, due_at, priority, created_at, lane, waiting_count, parent_count, max_retries,
      has_dependents, state, id, priority_source, policy, worker_id, lease_until, started_at, finished_at, run_at,
      submitted_by, fingerprint, failed_at)
    SELECT n, n, 5, n, n % 7, 0, 1, 5, true, s.state, 't' || n, 'default', 'cancel',
      CASE s.state WHEN 'running' THEN 'w' || n % 10 END, CASE s.state WHEN 'running' THEN n END, n,
      CASE s.state WHEN 'completed' THEN n END, CASE s.state WHEN 'scheduled' THEN n END,
      CASE WHEN n % 3 > 0 THEN 'user' || n % 5 END,
      CASE s.state WHEN 'failed' THEN 'print' || n % 16 END, CASE s.state WHEN 'failed' THEN n END
    FROM generate_series(1, 20000) AS n CROSS JOIN LATERAL (SELECT
      (ARRAY['completed', 'completed', 'completed', 'pending', 'running', 'scheduled', 'blocked', 'failed'])[1 + n % 8]
      AS state) AS s;
  INSERT INTO tasklane.edges (child, parent, position, resolved, is_repeat, policy, parent_id)
    SELECT n, n - 1, 0, n % 8 <> 6, false, 'cancel', 't' || n - 1 FROM generate_series(2, 20000) AS n;
  INSERT INTO tasklane.audit (at, actor, action, subject, outcome)
    SELECT n, 'user' || n % 5, 'verb' || n % 9, 't' || n % 3000, 'ok' FROM generate_series(1, 20000) AS n`

const two = `
  INSERT INTO tasklane.tasks (rank, due_at, priority, created_at, lane, waiting_count, parent_count, max_retries,
      has_dependents, state, id, priority_source, policy)
    SELECT 1, 1, 5, 1, 1, 0, 0, 5, true, 'pending', 'old' || n, 'default', 'cancel' FROM generate_series(1, 2) AS n;
  INSERT INTO tasklane.edges (child, parent, position, resolved, is_repeat, policy, parent_id)
    SELECT 1, 2, 0, false, false, 'cancel', 'old2';
  INSERT INTO tasklane.audit (at, actor, action, subject, outcome) VALUES (1, 'user1', 'verb', 't1', 'ok');
  VACUUM ANALYZE`

/** Tables that look as they do in a busy hour, tables that nobody has ever looked at, and what was looked at too early. */
const fillings: Readonly<Record<string, string>> = {
  '20,000 tasks': `${many}; ANALYZE`,
  'no task at all': 'SELECT 1',
  'what were two tasks when somebody looked': two,
  'what were two tasks when somebody looked, and are 20,000': `${two}; ${many}`,
  'a hub with all the edges there are': `
    INSERT INTO tasklane.tasks (rank, due_at, priority, created_at, lane, waiting_count, parent_count, max_retries,
        has_dependents, state, id, priority_source, policy)
      SELECT n, n, 5, n, 1, 1, 1, 5, n = 1, 'blocked', 't' || n, 'default', 'cancel' FROM generate_series(1, 2500) AS n;
    INSERT INTO tasklane.edges (child, parent, position, resolved, is_repeat, policy, parent_id)
      SELECT n, 1, 0, false, false, 'cancel', 't1' FROM generate_series(2, 2500) AS n;
    ANALYZE`,
}

/** Those whose way is one index, whatever the planner thinks of another. */
const ways: Readonly<Record<string, string>> = {
  page: 'tasks_pkey',
  failures: 'tasks_failures',
  fingerprintPage: 'tasks_fingerprint',
  fingerprintPages: 'tasks_fingerprint',
  submitterPage: 'tasks_submitter',
  submitterPages: 'tasks_submitter',
  audit: 'audit_pkey',
  auditOfSubject: 'audit_subject',
  auditOfActor: 'audit_actor',
  auditOfAction: 'audit_action',
}

/** Those that end when the page is full, because their way has the order that was asked for. */
const inOrder: ReadonlySet<string> = new Set(['page', 'failedPage', 'cancelledPage'])

describe.skipIf(!(await hasPostgres())).each(Object.entries(fillings))(
  'the plans of the statements over %s',
  (_, fill) => {
    const isSmall = fill === two
    let database: FreshDatabase
    let client: pg.Client
    beforeAll(async () => {
      database = await freshDatabase(schemaTemplate)
      client = new pg.Client(database.url)
      await client.connect()
      for (const each of fill.split(';')) await client.query(each)
      await client.query(planning.map(each => `SET ${each}`).join('; '))
    })
    afterAll(async () => {
      await client.end()
      await database.drop()
    })

    // What joins the table that it writes cannot be told the way. In so small a table any way is good, and when it has grown
    // another one is found: database.ts.
    const told = isSmall ? all.filter(({ text }) => !/^(UPDATE .* FROM|DELETE .* USING)/s.test(text)) : all

    it.each(told)('read no whole table: $name', async ({ name, text }) => {
      await client.query(`PREPARE "${name}" AS ${text}`)
      const parameters = Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map(match => Number(match[1])))
      const values = parameters === 0 ? '' : `(${Array.from({ length: parameters }, () => 'NULL').join(', ')})`
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN EXECUTE "${name}"${values}`)
      const plan = rows.map(row => row['QUERY PLAN'])
      expect(plan.filter(step => /Seq Scan on (tasks|edges|audit)\b/.test(step))).toEqual([])
      // A list is walked by its numbers or by the index of its state; everything else has conditions on its way.
      const walks = plan.filter(
        (step, at) => /Index.* Scan/.test(step) && !/Index Cond/.test(plan.slice(at + 1, at + 4).join('\n')),
      )
      const whole = walks.filter(step =>
        /(using|on) (tasks_pkey|tasks_id|edges_pkey|edges_parent|edges_open)\b/.test(step),
      )
      expect(whole).toEqual([])
      // A page that is cut from what was sorted would have fetched all of it first.
      if (inOrder.has(name)) expect(plan.filter(step => /Sort|Bitmap/.test(step))).toEqual([])
      const way = ways[name]
      if (way !== undefined)
        expect(plan.filter(step => /Scan/.test(step)).join()).toMatch(new RegExp(`(using|on) ${way}\\b`))
    })
  },
)
