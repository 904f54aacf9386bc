import { describe, expect, it } from 'vitest'
import { accountTexts } from '../../src/stores/sqlite/account-statements.ts'
import { alertTexts } from '../../src/stores/sqlite/alert-statements.ts'
import { openDatabase } from '../../src/stores/sqlite/database.ts'
import { migrate } from '../../src/stores/sqlite/migrate.ts'
import { readTexts } from '../../src/stores/sqlite/read-statements.ts'
import { statementTexts } from '../../src/stores/sqlite/statements.ts'

/** Those that read a whole table or sort, each for its reason; every other statement seeks. */
const walks: Readonly<Record<string, string>> = {
  allLanes: 'read once at the start',
  allQueues: 'read once at the start',
  allCounters: 'read once at the start',
  page: 'walks the numbers downwards until the page is full',
  blockedPage: 'walks the blocked tasks',
  failedPage: 'walks the failed tasks',
  cancelledPage: 'walks the cancelled tasks',
  timedOut: 'walks the failed tasks as far as it is told',
  failures: 'walks what failed lately as far as it is told, and puts it in groups',
  failureTrend: 'walks the same, and puts it in groups by time',
  scheduledPage: 'walks and sorts the scheduled tasks',
  runningPage: 'walks and sorts the running tasks',
  shortenLeases: 'walks the index of running tasks; a clock is seldom set back',
  expiredLeases: 'walks the index of running tasks, as long as the workers have slots',
  leasesOfWorker: 'sorts what one worker holds',
  holdsOfWorker: 'sorts what one worker holds',
  dueTasks: 'sorts nothing but ties',
  pruneWorkers: 'there are few workers',
  workers: 'there are few workers',
  presence: 'there are few workers',
  firstUnresolved: 'takes the first row',
  nextDue: 'takes the first entry of the index',
  cascadedChildren: 'makes children distinct',
  insertUser: 'looks whether there is any user',
  users: 'there are few users',
  otherAdmins: 'there are few users',
  tokens: 'there are few tokens',
  audit: 'walks the numbers downwards until the page is full',
  pruneAudit: 'takes the first rows',
  pruneHistory: 'looks through the cells of one step, now and then',
  childNumbers: 'sorts the children of one task',
  alertRules: 'there are few rules',
  countAlertRules: 'there are few rules',
  openAlerts: 'walks and sorts the open alerts, which are bounded',
  alertPage: 'walks the numbers downwards until the page is full',
  silences: 'there are few silences',
  alertChannels: 'there are few channels',
  countAlertChannels: 'there are few channels',
  dueNotices: 'walks the notices of few channels in their order',
  pruneManyAlerts: 'walks the numbers downwards, past those that are kept',
  pruneNotices: 'looks through the notices, now and then',
  pruneSilences: 'there are few silences',
  edgesFrom: 'sorts those parents of one task that are drawn',
}

describe('the plans of the statements', () => {
  const database = openDatabase(':memory:', 0)
  migrate(database, ':memory:')
  const texts = Object.entries<string>({ ...statementTexts, ...readTexts, ...accountTexts, ...alertTexts })

  it.each(texts.filter(([name]) => walks[name] === undefined))('seeks and does not sort: %s', (_, text) => {
    const values = Array.from({ length: parametersOf(text) }, () => null)
    const plan = database
      .prepare(`EXPLAIN QUERY PLAN ${text}`)
      .all(...values)
      .map(row => String(row[3]))
    // A list that came as a JSON parameter is scanned, and what a subquery yields; tables are not.
    const bad = plan.filter(step => /^SCAN (?!json_each|\(subquery|\d+-ROW VALUES|CONSTANT ROW)|TEMP B-TREE/.test(step))
    expect(bad).toEqual([])
  })

  it.each(texts)('is planned once, whatever its parameters: %s', (_, text) => {
    // A bare parameter in LIMIT or OFFSET makes SQLite plan anew at every run.
    expect(text).not.toMatch(/(LIMIT|OFFSET) \?(?!\d* \+ 0)/)
  })
})

function parametersOf(text: string): number {
  const named = [...text.matchAll(/\?(\d+)/g)].map(match => Number(match[1]))
  return named.length > 0 ? Math.max(...named) : (text.match(/\?/g) ?? []).length
}
