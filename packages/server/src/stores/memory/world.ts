import { limits } from '@tasklane/protocol'
import { assert } from '../../core/assert.ts'
import { type JsonText, type TaskId, taskErrorText, type WorkerId } from '../../core/task.ts'
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
  readonly queues: Map<string, { isPaused: boolean }>
  readonly workers: Map<WorkerId, WorkerRow>
  readonly claimRequests: Map<string, ClaimRequestRow>
  /** Ended tasks with edges that no transaction had room for yet. */
  readonly leftovers: Row[]
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
    workers: new Map(),
    claimRequests: new Map(),
    leftovers: [],
    pruneFrom: 0,
  }
}

/** What one transaction changed, gathered while it runs. */
export interface Gathered {
  readonly nowMs: number
  readonly ready: Map<string, { queue: string; type: string; count: number }>
  readonly ended: EndedTask[]
  /** Edges this transaction may still resolve; the rest is left to `unblock`. */
  edgesLeft: number
  hasLeftovers: boolean
}

export function gather(world: World, edgesMax: number = limits.releasedInTransactionMax): Gathered {
  return { nowMs: world.clock.now(), ready: new Map(), ended: [], edgesLeft: edgesMax, hasLeftovers: false }
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

/** Ends a task and resolves its edges, as far as the transaction has room. */
export function endTask(
  world: World,
  row: Row,
  end: { state: 'completed' | 'failed' | 'cancelled'; result: JsonText | null; error: JsonText | null },
  gathered: Gathered,
): void {
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
  if (row.children.some(edge => !edge.isResolved)) world.leftovers.push(row)
  resolveLeftovers(world, gathered)
}

/** Tells the children of ended tasks, oldest parent first. Iterative: a cascade appends to the same list. */
export function resolveLeftovers(world: World, gathered: Gathered): void {
  if (isResolving.has(world)) return
  isResolving.add(world)
  for (let parent = world.leftovers[0]; parent !== undefined; parent = world.leftovers[0]) {
    // A parent that was requeued meanwhile tells its children when it ends again.
    const open = parent.finishedAtMs === null ? [] : parent.children.filter(edge => !edge.isResolved)
    for (const edge of open) {
      if (gathered.edgesLeft === 0) break
      gathered.edgesLeft -= 1
      resolveEdge(world, parent, edge, gathered)
    }
    if (open.some(edge => !edge.isResolved)) break
    world.leftovers.shift()
  }
  gathered.hasLeftovers = world.leftovers.length > 0
  isResolving.delete(world)
}

const isResolving = new WeakSet<World>()

export function isSatisfied(edge: Edge): boolean {
  const state = edge.parent?.state ?? 'completed'
  return state === 'completed' || (edge.policy === 'proceed' && (state === 'failed' || state === 'cancelled'))
}

function resolveEdge(world: World, parent: Row, edge: Edge, gathered: Gathered): void {
  edge.isResolved = true
  const child = edge.child
  if (child.state !== 'blocked') return
  if (!isSatisfied(edge)) {
    endTask(
      world,
      child,
      { state: 'cancelled', result: null, error: dependencyError(parent.id, parent.state) },
      gathered,
    )
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

export function dependencyError(parentId: TaskId, state: string): JsonText {
  return taskErrorText('dependency_failed', `Task ${parentId}, on which this one depends, is ${state}.`)
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
