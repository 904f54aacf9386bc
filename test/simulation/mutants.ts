import type { Replacement } from './sandbox.ts'
import type { StoreKind } from './scenario.ts'

export interface Mutant extends Replacement {
  readonly name: string
  /** Over which store it is to be caught. */
  readonly store: StoreKind
}

/**
 * Faults made on purpose, each in one place of the sources. The simulation must catch every one of them, or it proves
 * nothing. `find` stands in its file exactly once; a change of the sources that moves it makes the test of this list
 * fail, and the mutant is then to be moved along.
 */
const memory = 'packages/server/src/stores/memory'
const sqlite = 'packages/server/src/stores/sqlite'
const engine = 'packages/server/src/engine'
const core = 'packages/server/src/core'

export const mutants: readonly Mutant[] = [
  {
    name: 'the settle forgets the epoch',
    store: 'memory',
    file: `${memory}/rows.ts`,
    find: ' && (epoch === null || row.epoch === epoch)',
    replace: '',
  },
  {
    name: 'the settle forgets the worker',
    store: 'memory',
    file: `${memory}/rows.ts`,
    find: "row.state === 'running' && row.workerId === workerId &&",
    replace: "row.state === 'running' &&",
  },
  {
    name: 'the settle forgets epoch and worker, in the check and in the statement',
    store: 'sqlite',
    file: `${sqlite}/settle.ts`,
    find: 'facts.epoch === lease.epoch && facts.workerId === lease.workerId',
    replace: 'facts.epoch >= lease.epoch',
  },
  {
    name: 'completions of many forget epoch and worker',
    store: 'sqlite',
    file: `${sqlite}/settle-many.ts`,
    find: 'live?.epoch !== epoch || live.workerId !== workerId',
    replace: 'live === undefined',
  },
  {
    name: 'who ends a lease does not tell it',
    store: 'sqlite',
    file: `${sqlite}/settle.ts`,
    find: '  tx.liveLeases.delete(settlement.lease.taskId)\n',
    replace: '',
  },
  {
    name: 'a second settle of a task in one commit is taken as the first',
    store: 'sqlite',
    file: `${sqlite}/settle-many.ts`,
    find: '    tx.liveLeases.delete(taskId)\n',
    replace: '',
  },
  {
    name: 'a new task overtakes what is pending',
    store: 'sqlite',
    file: `${sqlite}/hand-over.ts`,
    find: "    if (tx.counters.count(lane.id, 'pending') > 0) return null\n",
    replace: '',
  },
  {
    name: 'new tasks are handed over as they come',
    store: 'sqlite',
    file: `${sqlite}/hand-over.ts`,
    find: 'return line.sort((one, other) => (ranks[one] ?? 0) - (ranks[other] ?? 0) || one - other)',
    replace: 'return line.sort((one, other) => (ranks[one] ?? 0) * 0 + one - other)',
  },
  {
    name: 'new tasks of a paused queue are handed over',
    store: 'sqlite',
    file: `${sqlite}/hand-over.ts`,
    find: '    if (tx.lanes.isPaused(lane.queue)) continue\n',
    replace: '',
  },
  {
    name: 'a child is released by the first of its parents',
    store: 'sqlite',
    file: `${sqlite}/dependencies.ts`,
    find: 'const to = waitingCount === edges ?',
    replace: 'const to = waitingCount >= edges ?',
  },
  {
    name: 'a child that comes while its parent runs is not heeded',
    store: 'sqlite',
    file: `${sqlite}/submit-graph.ts`,
    find: 'if (lease !== undefined) lease.hasDependents = true',
    replace: 'void lease',
  },
  {
    name: 'the reaper selects, then updates',
    store: 'memory',
    file: `${memory}/exchange.ts`,
    find: "(guard === 'expired' && row.leaseUntilMs > gathered.nowMs)",
    replace: 'false',
  },
  {
    name: 'the reaper selects, then updates',
    store: 'sqlite',
    file: `${sqlite}/settle.ts`,
    find: "return guard === 'expired' && (facts.leaseUntilMs ?? 0) > tx.nowMs",
    replace: 'return false',
  },
  {
    name: 'a release hands the epoch back',
    store: 'memory',
    file: `${memory}/exchange.ts`,
    find: 'row.attempt -= 1',
    replace: 'row.attempt -= 1\n    row.epoch -= 1',
  },
  {
    name: 'a release hands the epoch back',
    store: 'sqlite',
    file: `${sqlite}/statements.ts`,
    find: 'attempt = attempt - 1, worker_id = NULL',
    replace: 'attempt = attempt - 1, epoch = epoch - 1, worker_id = NULL',
  },
  {
    name: 'a release is charged',
    store: 'sqlite',
    file: `${sqlite}/statements.ts`,
    find: 'attempt = attempt - 1, worker_id = NULL',
    replace: 'worker_id = NULL',
  },
  {
    name: 'children are unblocked outside the transaction',
    store: 'memory',
    file: `${memory}/world.ts`,
    find: '  writeEnd(row, end, gathered)\n  tellChildren(world, gathered)',
    replace: '  writeEnd(row, end, gathered)\n  queueMicrotask(() => tellChildren(world, gathered))',
  },
  {
    name: 'an edge is resolved more than once',
    store: 'memory',
    file: `${memory}/world.ts`,
    find: 'parent.children.filter(edge => !edge.isResolved)',
    replace: 'parent.children.filter(() => true)',
  },
  {
    name: 'what a transaction had no room for is forgotten',
    store: 'sqlite',
    file: `${sqlite}/dependencies.ts`,
    find: '  tx.sql.insertUnresolved.run(parent.number)\n',
    replace: '',
  },
  {
    name: 'the cascade is not recursive',
    store: 'memory',
    file: `${memory}/world.ts`,
    find: '  gathered.parents.push(row)\n}',
    replace: '  if (gathered.parents.length === 0) gathered.parents.push(row)\n}',
  },
  {
    name: 'the cascade is not recursive',
    store: 'sqlite',
    file: `${sqlite}/dependencies.ts`,
    find: "if (hasDependents) tx.parentsToResolve.push({ ...child, state: 'cancelled' })",
    replace: 'void hasDependents',
  },
  {
    name: 'a retry ignores the cancel mark',
    store: 'memory',
    file: `${memory}/exchange.ts`,
    find: "if (row.cancelRequestedAtMs !== null || outcome.kind === 'cancelled') {",
    replace: "if ((row.cancelRequestedAtMs !== null && outcome.kind !== 'retry') || outcome.kind === 'cancelled') {",
  },
  {
    name: 'the idempotency key is not looked up',
    store: 'memory',
    file: `${memory}/exchange.ts`,
    find: 'world.byId.get(draft.id) ?? byKey ?? null',
    replace: 'world.byId.get(draft.id) ?? null',
  },
  {
    name: 'a claim takes the tasks as they come',
    store: 'memory',
    file: `${memory}/exchange.ts`,
    find: 'rows.sort(compareRanked)',
    replace: 'rows',
  },
  {
    name: 'a claim takes the tasks as they come',
    store: 'sqlite',
    file: `${sqlite}/statements.ts`,
    find: 'ORDER BY rank, number LIMIT ? + 0`,\n  claimTask',
    replace: 'ORDER BY number LIMIT ? + 0`,\n  claimTask',
  },
  {
    name: 'a paused queue is served',
    store: 'sqlite',
    file: `${sqlite}/claim.ts`,
    find: ' && !tx.lanes.isPaused(lane.queue)',
    replace: '',
  },
  {
    name: 'the request id of a claim is not remembered',
    store: 'memory',
    file: `${memory}/exchange.ts`,
    find: 'if (requestKey !== null && claimed.length > 0) {',
    replace: 'if (requestKey === null && claimed.length < 0) {',
  },
  {
    name: 'the request id of a claim is not remembered',
    store: 'sqlite',
    file: `${sqlite}/claim.ts`,
    find: 'if (ask.requestId === null || claimed.length === 0) return',
    replace: 'if (claimed.length >= 0) return',
  },
  {
    name: 'no grace after a start',
    store: 'memory',
    file: `${engine}/sweeps.ts`,
    find: 'reapFromMs = lastPassMs + graceMs',
    replace: 'reapFromMs = lastPassMs',
  },
  {
    name: 'retries are not counted',
    store: 'memory',
    file: `${core}/retry.ts`,
    find: ' || failuresBefore >= facts.maxRetries',
    replace: '',
  },
  {
    name: 'crashes are not counted',
    store: 'memory',
    file: `${memory}/exchange.ts`,
    find: "  if (outcome.as === 'crashed') row.crashes += 1\n",
    replace: '',
  },
  {
    name: 'a commit that never happens',
    store: 'sqlite',
    file: `${sqlite}/session.ts`,
    find: 'sql.commit.run()',
    replace: 'sql.rollback.run()',
  },
  {
    name: 'verdicts of a group commit go to the wrong caller',
    store: 'memory',
    file: `${engine}/committer.ts`,
    find: '    at += command.items.length\n',
    replace: '',
  },
  {
    name: 'a parent is pruned while a child needs it',
    store: 'memory',
    file: `${memory}/memory-store.ts`,
    find: ' && !isNeeded(row))',
    replace: ')',
  },
  {
    name: 'a task is promoted before its time',
    store: 'sqlite',
    file: `${sqlite}/statements.ts`,
    find: "state = 'scheduled' AND run_at <= ? ORDER BY",
    replace: "state = 'scheduled' AND run_at <= ? + 1000 ORDER BY",
  },
]
