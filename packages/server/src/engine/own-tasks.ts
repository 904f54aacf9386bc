import { type StateCounts, type TaskState, taskStates, type Why } from '@tasklane/protocol'
import { Problem } from '../core/problem.ts'
import { type TaskDraft, type TaskId, taskId } from '../core/task.ts'
import type { ParentRecord, TaskFilter } from '../ports/store.ts'
import type { Alerts, BulkAsk, Engine } from './engine.ts'
import { everyTask } from './every-task.ts'
import { unknownTask } from './unknown.ts'

/**
 * The engine as one sees it for whom only the tasks exist that it submitted itself. Somebody else's task is unknown, in
 * the same words as one that never was. Who submitted a task never changes, so that looking first and acting then leaves
 * no gap.
 */
export function ownTasksOnly(engine: Engine, submitter: string): Engine {
  /** Of these, those that exist and are somebody else's. */
  async function foreignAmong(ids: readonly TaskId[]): Promise<ReadonlySet<TaskId>> {
    const known = ids.length === 0 ? [] : await engine.submittersOf([...new Set(ids)])
    return new Set(known.filter(task => task.submittedBy !== submitter).map(task => task.id))
  }

  /** Refuses unless the task is the submitter's own. */
  async function own(id: TaskId): Promise<void> {
    const [task] = await engine.submittersOf([id])
    if (task?.submittedBy !== submitter) throw unknownTask(id)
  }

  async function onOwn<Result>(id: TaskId, act: () => Promise<Result>): Promise<Result> {
    await own(id)
    return act()
  }

  const ownFilter = (filter: TaskFilter): TaskFilter => ({ ...filter, submittedBy: submitter })

  return Object.freeze<Engine>({
    ...restOf(engine),
    ...submits(engine, submitter, foreignAmong),
    task: async id => {
      const task = await engine.task(id)
      if (task.submittedBy !== submitter) throw unknownTask(id)
      return task
    },
    taskByNumber: async number => {
      const task = await engine.taskByNumber(number)
      if (task.submittedBy !== submitter) throw unknownTask(taskId(String(number)))
      return task
    },
    tasks: (filter, page) => engine.tasks(ownFilter(filter), page),
    countTasks: (filter, most) => engine.countTasks(ownFilter(filter), most),
    submittersOf: async ids => (await engine.submittersOf(ids)).filter(task => task.submittedBy === submitter),
    attempts: id => onOwn(id, () => engine.attempts(id)),
    logs: (id, after, limit) => onOwn(id, () => engine.logs(id, after, limit)),
    parents: (id, from) =>
      onOwn(id, async () => {
        const parents = await engine.parents(id, from)
        const foreign = await foreignAmong(parents.map(parent => parent.id))
        return parents.map(parent => (foreign.has(parent.id) ? forgotten(parent) : parent))
      }),
    graph: id =>
      onOwn(id, async () => {
        const graph = await engine.graph(id)
        const tasks = graph.tasks.filter(task => task.submittedBy === submitter)
        const ids = new Set(tasks.map(task => task.id))
        const edges = graph.edges.filter(({ parent, child }) => ids.has(parent) && ids.has(child))
        return { ...graph, tasks, edges }
      }),
    why: id => onOwn(id, async () => withoutOthers(await engine.why(id))),
    waitForResult: (id, waitMs, signal) => onOwn(id, () => engine.waitForResult(id, waitMs, signal)),
    cancel: (id, reason) => onOwn(id, () => engine.cancel(id, reason)),
    retry: (id, withDependents) => onOwn(id, () => engine.retry(id, withDependents)),
    reprioritise: (id, priority) => onOwn(id, () => engine.reprioritise(id, priority)),
    remove: id => onOwn(id, () => engine.remove(id)),
    completeByHand: (id, result) => onOwn(id, () => engine.completeByHand(id, result)),
    bulk: ask => bulk(engine, ask, ownFilter, foreignAmong),
    timedOut: () => engine.timedOut(submitter),
    stats: async () => {
      const [stats, tasks] = await Promise.all([engine.stats(), ownCounts(engine, submitter)])
      const total = Object.values(tasks).reduce((sum, count) => sum + count, 0)
      // How fast and how long is known of all tasks together only.
      return { ...stats, tasks, total, rates: null, wait_ms: null, run_ms: null }
    },
  })
}

/**
 * What is not about one's own tasks, method by method, so that a new one is judged before it is given: what tells nothing
 * of anybody's tasks goes through, what acts for workers or shows them and the queues is closed. The role of a submitter
 * is refused all of that at the door already; should a route ask all the same, it ends here.
 */
function restOf(engine: Engine) {
  // The types are for a form: whoever may submit may know what is taken.
  const { newTaskId, checkReady, start, beginStop, stop, types } = engine
  const closed = (): never => {
    throw new Problem('forbidden', 'Who sees its own tasks only has no part in workers and queues.')
  }
  return {
    ...{ newTaskId, checkReady, start, beginStop, stop, types },
    ...{ register: closed, claim: closed, leasesOf: closed, releaseUndelivered: closed, heartbeat: closed },
    ...{ settle: closed, appendLogs: closed, drain: closed, deregister: closed, workers: closed, worker: closed },
    ...{ queues: closed, queue: closed, setQueue: closed, typesIn: closed, observe: closed, watch: closed },
    failures: closed,
    attention: closed,
    history: closed,
    alerts: closedAlerts(closed),
  } satisfies Partial<Engine>
}

/** Alerts are about everybody's tasks; what the node does by itself is no caller's affair. */
function closedAlerts(closed: () => never): Alerts {
  return {
    ...{ list: closed, one: closed, silence: closed, rules: closed, createRule: closed, changeRule: closed },
    ...{ removeRule: closed, channels: closed, createChannel: closed, changeChannel: closed, removeChannel: closed },
    ...{ testChannel: closed, open: closed, counts: closed, look: closed, lookInTurn: closed, deliver: closed },
    ...{ noticeOthers: closed, prune: closed },
  }
}

type ForeignAmong = (ids: readonly TaskId[]) => Promise<ReadonlySet<TaskId>>

/** Another's task of the same id or key is the store's affair (`isOwnOnly`); another's task as a parent is refused here. */
function submits(engine: Engine, submitter: string, foreignAmong: ForeignAmong): Pick<Engine, 'submit' | 'submitEach'> {
  const asOwn = (drafts: readonly TaskDraft[]): readonly TaskDraft[] =>
    drafts.map(draft => ({ ...draft, submittedBy: submitter, isOwnOnly: true }))
  const foreignParents = (drafts: readonly TaskDraft[]): Promise<ReadonlySet<TaskId>> =>
    foreignAmong(drafts.flatMap(draft => draft.dependencies))

  return {
    submit: async drafts => {
      const foreign = await foreignParents(drafts)
      for (const [index, draft] of drafts.entries()) {
        const refusal = parentRefusal(draft, foreign, drafts.length > 1 ? index : null)
        if (refusal !== null) throw refusal
      }
      return engine.submit(asOwn(drafts))
    },
    submitEach: async drafts => {
      const foreign = await foreignParents(drafts)
      const refusals = drafts.map(draft => parentRefusal(draft, foreign, null))
      const sound = drafts.filter((_, index) => refusals[index] === null)
      const outcomes = sound.length === 0 ? [] : await engine.submitEach(asOwn(sound))
      const bySound = new Map(sound.map((draft, at) => [draft, outcomes[at]]))
      return drafts.map((draft, index) => {
        const outcome = bySound.get(draft)
        if (outcome !== undefined) return outcome
        const refusal = refusals[index]
        if (refusal == null) throw new Error('Assertion failed: every draft is submitted or refused')
        return { outcome: 'refused', code: refusal.code, detail: refusal.message }
      })
    },
  }
}

/** In the words of the store for what does not exist. */
function parentRefusal(draft: TaskDraft, foreign: ReadonlySet<TaskId>, index: number | null): Problem | null {
  const parent = draft.dependencies.find(id => foreign.has(id))
  if (parent === undefined) return null
  const detail = `Task ${draft.id} depends on '${parent}', which does not exist; submit the parent first or in the same batch.`
  return new Problem('dependency_unknown', detail, index === null ? [] : [{ pointer: `/tasks/${index}`, detail }])
}

/** Somebody else's parent is told as one that was pruned: it has no result here. */
function forgotten({ id }: ParentRecord): ParentRecord {
  return { id, state: null, result: null, error: null }
}

/** How many others wait, and how fast they go, is other people's affair. */
function withoutOthers(why: Why): Why {
  const reasons = why.reasons.map(reason => {
    if (reason.code !== 'rank') return reason
    const { priority = null } = reason.facts
    return { ...reason, detail: 'It waits in the line of its queue.', facts: { priority } }
  })
  return { ...why, reasons }
}

async function bulk(
  engine: Engine,
  ask: BulkAsk,
  ownFilter: (filter: TaskFilter) => TaskFilter,
  foreignAmong: ForeignAmong,
): ReturnType<Engine['bulk']> {
  if ('filter' in ask.target) return engine.bulk({ ...ask, target: { filter: ownFilter(ask.target.filter) } })
  const foreign = await foreignAmong(ask.target.ids)
  const ids = ask.target.ids.filter(id => !foreign.has(id))
  const reply =
    ids.length === 0
      ? { action: ask.action, dry_run: ask.isDryRun, matched: 0, verdicts: {} }
      : await engine.bulk({ ...ask, target: { ids } })
  const matched = reply.matched + foreign.size
  if (ask.isDryRun || foreign.size === 0) return { ...reply, matched }
  return { ...reply, matched, verdicts: { ...reply.verdicts, unknown: (reply.verdicts.unknown ?? 0) + foreign.size } }
}

/** Larger counts are told as this one: they are counted at every call. */
const countedMax = 100_000

async function ownCounts(engine: Engine, submitter: string): Promise<StateCounts> {
  const of = async (state: TaskState): Promise<[TaskState, number]> => [
    state,
    (await engine.countTasks({ ...everyTask, states: [state], submittedBy: submitter }, countedMax)).count,
  ]
  return Object.fromEntries(await Promise.all(taskStates.map(of))) as StateCounts // One entry for each state.
}
