import { limits } from '@tasklane/protocol'
import { assert } from '../../core/assert.ts'
import { dependencyError } from '../../core/dependency.ts'
import type { Pause } from '../../core/pause.ts'
import type { JsonText, TaskId, WorkerId } from '../../core/task.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Changes, EndedTask } from '../../ports/store.ts'
import type { AttemptRow, ClaimRequestRow, Edge, Row, WorkerRow } from './rows.ts'

/** Everything the model knows, in plain maps, and the few steps that several verbs share. */
export interface World {
  readonly clock: Clock
  readonly headStartMs: number
  nextNumber: number
  readonly byId: Map<TaskId, Row>
  readonly byNumber: Map<number, Row>
  readonly byKey: Map<string, Row>
  /** With why each is paused; null where it is not. */
  readonly queues: Map<string, Pause | null>
  /** By queue, the types of all tasks that it ever had. */
  readonly types: Map<string, Set<string>>
  readonly workers: Map<WorkerId, WorkerRow>
  readonly claimRequests: Map<string, ClaimRequestRow>
  /** Ended tasks with edges that no transaction had room for yet, in the order in which `unblock` goes on with them. */
  readonly leftovers: Set<Row>
  pruneFrom: number
}

export function createWorld(clock: Clock, headStartMs: number): World {
  return {
    clock,
    headStartMs,
    nextNumber: 1,
    byId: new Map(),
    byNumber: new Map(),
    byKey: new Map(),
    queues: new Map(),
    types: new Map(),
    workers: new Map(),
    claimRequests: new Map(),
    leftovers: new Set(),
    pruneFrom: 0,
  }
}

/** What one transaction changed, gathered while it runs. */
export interface Gathered {
  readonly nowMs: number
  readonly ready: Map<string, { queue: string; type: string; count: number }>
  readonly ended: EndedTask[]
  /** Ended here, and their children are still to be told. */
  readonly parents: Row[]
  /** Edges this transaction may still resolve; the rest is left to `unblock`. */
  edgesLeft: number
  hasLeftovers: boolean
}

export function gather(world: World, edgesMax: number = limits.releasedInTransactionMax): Gathered {
  const nowMs = world.clock.now()
  return { nowMs, ready: new Map(), ended: [], parents: [], edgesLeft: edgesMax, hasLeftovers: false }
}

export function toChanges(gathered: Gathered): Changes {
  return { ready: [...gathered.ready.values()], ended: gathered.ended, hasLeftovers: gathered.hasLeftovers }
}

export function becomePending(row: Row, gathered: Gathered): void {
  row.state = 'pending'
  const lane = `${row.queue}\n${row.type}`
  const count = gathered.ready.get(lane)
  if (count === undefined) gathered.ready.set(lane, { queue: row.queue, type: row.type, count: 1 })
  else count.count += 1
}

export interface End {
  readonly state: 'completed' | 'failed' | 'cancelled'
  readonly result: JsonText | null
  readonly error: JsonText | null
}

/** Ends a task and tells its children, as far as the transaction has room. */
export function endTask(world: World, row: Row, end: End, gathered: Gathered): void {
  writeEnd(row, end, gathered)
  tellChildren(world, gathered)
}

function writeEnd(row: Row, end: End, gathered: Gathered): void {
  const ranUntilNow = row.state === 'running'
  row.state = end.state
  row.result = end.result
  row.error = end.error
  row.finishedAtMs = gathered.nowMs
  row.cancelRequestedAtMs = null
  gathered.ended.push({
    id: row.id,
    type: row.type,
    queue: row.queue,
    state: end.state,
    waitMs: ranUntilNow && row.startedAtMs !== null ? Math.max(0, row.startedAtMs - row.dueAtMs) : null,
    runMs: ranUntilNow && row.startedAtMs !== null ? Math.max(0, gathered.nowMs - row.startedAtMs) : null,
  })
  gathered.parents.push(row)
}

/** Iterative: a cascade appends to the list that is walked, since a chain may be as long as the table. */
function tellChildren(world: World, gathered: Gathered): void {
  for (const parent of gathered.parents) {
    const open = parent.children.filter(edge => !edge.isResolved)
    for (const edge of open.slice(0, gathered.edgesLeft)) resolveEdge(parent, edge, gathered)
    const hasRoom = open.length <= gathered.edgesLeft
    gathered.edgesLeft = Math.max(0, gathered.edgesLeft - open.length)
    if (hasRoom) continue
    world.leftovers.add(parent)
    gathered.hasLeftovers = true
  }
  gathered.parents.length = 0
}

/** Goes on with what other transactions left over. A parent that is not done with stands last then, so that none waits for a hub. */
export function resolveLeftovers(world: World, gathered: Gathered): boolean {
  for (const parent of world.leftovers) {
    if (gathered.edgesLeft === 0) break
    world.leftovers.delete(parent)
    // A parent that was requeued meanwhile tells its children when it ends again.
    if (parent.finishedAtMs === null) continue
    gathered.parents.push(parent)
    tellChildren(world, gathered)
  }
  gathered.hasLeftovers = world.leftovers.size > 0
  return !gathered.hasLeftovers
}

export function isSatisfied(edge: Edge): boolean {
  const state = edge.parent?.state ?? 'completed'
  return state === 'completed' || (edge.policy === 'proceed' && (state === 'failed' || state === 'cancelled'))
}

function resolveEdge(parent: Row, edge: Edge, gathered: Gathered): void {
  edge.isResolved = true
  const child = edge.child
  if (child.state !== 'blocked') return
  if (!isSatisfied(edge)) {
    writeEnd(child, { state: 'cancelled', result: null, error: dependencyError(parent.id, parent.state) }, gathered)
    return
  }
  child.waitingCount -= 1
  assert(child.waitingCount >= 0, 'an edge is resolved once')
  if (child.waitingCount === 0) leaveBlocked(child, gathered)
}

export function leaveBlocked(row: Row, gathered: Gathered): void {
  if (row.runAtMs !== null && row.runAtMs > gathered.nowMs) row.state = 'scheduled'
  else becomePending(row, gathered)
}

/** Closes the running attempt's history row. */
export function endAttempt(row: Row, end: Pick<AttemptRow, 'outcome' | 'error' | 'settledAs'>, nowMs: number): void {
  const attempt = row.attempts.at(-1)
  assert(attempt !== undefined && attempt.endedAtMs === null, 'a running task has an open attempt')
  attempt.endedAtMs = nowMs
  attempt.outcome = end.outcome
  attempt.error = end.error
  attempt.settledAs = end.settledAs
}
