import type { ClaimedTask, LogLevel, ParentOutcome, SparseClaimedTask, TaskProgress } from '@tasklane/protocol'
import { limits } from '@tasklane/protocol'
import type { Clock } from '../clock.ts'
import {
  InputInvalidError,
  LeaseLostError,
  ShutdownError,
  TaskCancelledError,
  type TasklaneError,
  TaskTimeoutError,
} from '../errors.ts'
import { storableText } from '../json-encode.ts'
import type { WorkerLogger } from '../log.ts'
import type { TaskContext, TaskLog } from '../task-context.ts'
import type { AnyTaskDefinition } from '../task-definition.ts'
import { createDeadlines, type Due } from './deadlines.ts'
import type { Lease, LeaseKeeper } from './lease-keeper.ts'
import type { Link } from './link.ts'
import type { LogCarrier } from './log-carrier.ts'
import { encodeFailure, encodeResult, encodeThrown, type OutcomeText, released } from './outcome.ts'
import { ParentsUnavailableError, parentsInClaim, readParents } from './parents.ts'
import type { SettleLine } from './settle-line.ts'

/**
 * The handlers that run here.
 *
 * A run is `running` until something decides its attempt: the handler's end, the time limit, a cancel that the handler
 * ignores, the end of the shutdown's grace (each settles it, once), or the loss of its lease (which settles nothing).
 * A run whose lease was fenced gives its task back once its handler has returned, whatever that returned: the handler
 * was told to stop. Where the task has passed on meanwhile, the epoch makes that stale.
 * The decision and the handler's return are two moments: until the handler has returned its slot is used, whatever was
 * decided, because its work still costs what it costs. A handler that does not heed its signal for 30 s is given up on:
 * its slot is handed out again and the worker says so.
 */
export interface Runs {
  /** Of tasks this worker now holds. */
  start(tasks: readonly SparseClaimedTask[]): void
  has(lease: Lease): boolean
  cancel(lease: Lease): void
  lose(lease: Lease, why: string): void
  /** The scheduler is away for so long that the task may be somebody else's. */
  fence(lease: Lease, why: string): void
  /** Tells every handler that its time is over. */
  abortAll(reason: ShutdownError): void
  /** Gives back what is still undecided. */
  releaseAll(): void
  slotsUsed(): number
  list(): readonly RunningTask[]
  stop(): void
}

/** A task whose handler runs now. */
export interface RunningTask {
  readonly taskId: string
  readonly type: string
  readonly attempt: number
  readonly epoch: number
  /** Milliseconds since the handler began. */
  readonly runningMs: number
  readonly progress: TaskProgress | null
}

export interface RunsParts {
  readonly workerId: string
  readonly handlers: ReadonlyMap<string, AnyTaskDefinition>
  readonly link: Link
  readonly keeper: LeaseKeeper
  readonly settles: SettleLine
  readonly logs: LogCarrier
  readonly clock: Clock
  readonly logger: WorkerLogger
  /** A slot has become free. */
  readonly onFree: () => void
}

interface Run extends Due, Lease {
  readonly task: SparseClaimedTask
  readonly startedMs: number
  phase: 'running' | 'fenced' | 'settled' | 'lost'
  isSlotUsed: boolean
  /** Made when somebody asks for the signal: most handlers of short tasks never do. */
  controller: AbortController | null
  abortReason: TasklaneError | null
  progress: TaskProgress | null
  hasLogged: boolean
  due: 'timeout' | 'cancel' | 'abandon'
  dueAtMs: number
}

/** A cancelled handler has this long to end by itself. */
const cancelGraceMs = 10_000
/** After its attempt was decided, a handler has this long to return before its slot is handed out again. */
const abandonAfterMs = 30_000

export function createRuns(parts: RunsParts): Runs {
  const { workerId, handlers, link, keeper, settles, logs, clock, logger } = parts
  /** Undecided ones by task id: at most one claim of a task counts at a time. */
  const undecided = new Map<string, Run>()
  /** Decided ones whose handler has not returned. */
  const straying = new Set<Run>()
  const deadlines = createDeadlines<Run>(clock, onDue)
  let slotsUsed = 0

  function start(tasks: readonly SparseClaimedTask[]): void {
    for (const task of tasks) {
      // One by one: a handler that computes before its first await keeps those behind it waiting, and their time has not begun.
      const startedMs = clock.monotonic()
      const definition = handlers.get(task.task_type)
      if (definition === undefined) {
        const lease = { taskId: task.task_id, epoch: task.epoch }
        logger.warn(
          { ...lease, type: task.task_type },
          `Task ${task.task_id} is of type '${task.task_type}', which this worker has no handler for; it goes back.`,
        )
        settles.add(lease, released)
        continue
      }
      const run = createRun(task, startedMs)
      undecided.set(run.taskId, run)
      slotsUsed += 1
      if (typeof task.timeout === 'number') setDue(run, 'timeout', startedMs + task.timeout * 1_000)
      // Nothing in it is known to throw outside its own guard; if it does, one task pays and not the whole process.
      execute(run, definition).catch(() => {
        keeper.drop([run])
        logger.error({ taskId: run.taskId }, `Task ${run.taskId} could not be settled; its lease will run out.`)
      })
    }
  }

  async function execute(run: Run, definition: AnyTaskDefinition): Promise<void> {
    let outcome: OutcomeText
    try {
      const parents = parentsInClaim(run.task) ?? (await fetchParents(run))
      if (parents === null) outcome = released
      else {
        const input = definition.input === null ? (run.task.payload ?? null) : await checkInput(definition, run.task)
        // The definition's own types say that its handler takes what its schema gives, or the payload as it came.
        const run_ = definition.run as (input: unknown, ctx: TaskContext) => unknown
        const returned = run_(input, createContext(run, parents))
        outcome = encodeResult(isThenable(returned) ? await returned : returned)
      }
    } catch (error) {
      outcome = outcomeOfThrown(run, error)
    }
    decide(run, outcome)
    deadlines.clear(run)
    straying.delete(run)
    freeSlot(run)
  }

  /** @returns null where they cannot be had @throws the reason of the run's signal */
  async function fetchParents(run: Run): Promise<Readonly<Record<string, ParentOutcome>> | null> {
    try {
      return await readParents(link, run.task, signalOf(run))
    } catch (error) {
      if (!(error instanceof ParentsUnavailableError)) throw error
      logger.warn({ taskId: run.taskId }, error.message)
      return null
    }
  }

  /** `error` may be anything; only `encodeThrown` looks into it. */
  function outcomeOfThrown(run: Run, error: unknown): OutcomeText {
    const reason = run.abortReason
    // Out of time on the worker's side is no fault of the task.
    if (reason instanceof ShutdownError) return released
    if (reason instanceof TaskCancelledError) {
      return encodeFailure({ code: 'cancelled', message: 'The task was cancelled while it ran.' })
    }
    return encodeThrown(error)
  }

  /** The first decision counts; later ones find the run decided and change nothing. */
  function decide(run: Run, outcome: OutcomeText): void {
    if (run.phase !== 'running' && run.phase !== 'fenced') return
    const told = run.phase === 'fenced' ? released : outcome
    run.phase = 'settled'
    undecided.delete(run.taskId)
    const lease: Lease = { taskId: run.taskId, epoch: run.epoch }
    // The scheduler takes lines only of tasks that are still held.
    if (run.hasLogged) void logs.flush().then(() => settles.add(lease, told))
    else settles.add(lease, told)
  }

  function freeSlot(run: Run): void {
    if (!run.isSlotUsed) return
    run.isSlotUsed = false
    slotsUsed -= 1
    parts.onFree()
  }

  function abort(run: Run, reason: TasklaneError): void {
    if (run.abortReason !== null) return
    run.abortReason = reason
    run.controller?.abort(reason)
  }

  function stray(run: Run): void {
    straying.add(run)
    setDue(run, 'abandon', clock.monotonic() + abandonAfterMs)
  }

  function setDue(run: Run, due: Run['due'], atMs: number): void {
    run.due = due
    run.dueAtMs = atMs
    deadlines.set(run, atMs)
  }

  function onDue(run: Run): void {
    if (run.due === 'abandon') {
      logger.warn(
        { taskId: run.taskId, type: run.task.task_type },
        `The handler of task ${run.taskId} has ignored its signal for ${abandonAfterMs / 1_000} s. Its slot is handed out again; make the handler heed ctx.signal.`,
      )
      if (run.phase === 'fenced') {
        decide(run, released)
        straying.add(run)
      }
      freeSlot(run)
      return
    }
    if (run.due === 'timeout') {
      const reason = new TaskTimeoutError(run.taskId, run.task.timeout ?? 0)
      decide(run, encodeFailure({ code: 'timeout', message: reason.message }))
      stray(run)
      abort(run, reason)
      return
    }
    const message = `The task was cancelled; its handler did not end within ${cancelGraceMs / 1_000} s.`
    decide(run, encodeFailure({ code: 'cancelled', message }))
    stray(run)
  }

  function find({ taskId, epoch }: Lease): Run | undefined {
    const run = undecided.get(taskId)
    return run?.epoch === epoch ? run : undefined
  }

  function cancel(lease: Lease): void {
    const run = find(lease)
    if (run === undefined || run.abortReason !== null) return
    const atMs = clock.monotonic() + cancelGraceMs
    if (run.dueTick === -1 || atMs < run.dueAtMs) setDue(run, 'cancel', atMs)
    abort(run, new TaskCancelledError(run.taskId))
  }

  function lose(lease: Lease, why: string): void {
    const run = find(lease)
    if (run === undefined) return
    const wasFenced = run.phase === 'fenced'
    run.phase = 'lost'
    undecided.delete(run.taskId)
    logger.warn({ taskId: run.taskId, epoch: run.epoch }, `The lease of task ${run.taskId} is lost: ${why}.`)
    // Its handler was told when it was fenced, and has its time to return since then.
    if (wasFenced) straying.add(run)
    else {
      stray(run)
      abort(run, new LeaseLostError(run.taskId, why))
    }
  }

  function fence(lease: Lease, why: string): void {
    const run = find(lease)
    if (run === undefined) return
    run.phase = 'fenced'
    logger.warn(
      { taskId: run.taskId, epoch: run.epoch },
      `Task ${run.taskId} is stopped and will be given back: ${why}, and its lease may have passed on.`,
    )
    setDue(run, 'abandon', clock.monotonic() + abandonAfterMs)
    abort(run, new LeaseLostError(run.taskId, why))
  }

  function createContext(run: Run, parents: Readonly<Record<string, ParentOutcome>>): TaskContext {
    const { task } = run
    const tell = (level: LogLevel) => (message: string) => {
      if (run.phase !== 'running') return
      run.hasLogged = true
      logs.add(run, level, String(message))
    }
    let log: TaskLog | null = null
    let whole: ClaimedTask | null = null
    return {
      taskId: run.taskId,
      type: task.task_type,
      attempt: task.attempt,
      epoch: run.epoch,
      priority: task.priority,
      workerId,
      get task() {
        whole ??= wholeTask(task)
        return whole
      },
      parents,
      get signal() {
        return signalOf(run)
      },
      get log() {
        log ??= { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') }
        return log
      },
      progress: (percent, message) => {
        if (run.phase !== 'running' || !Number.isFinite(percent)) return
        const bounded = Math.min(100, Math.max(0, percent))
        run.progress =
          message === undefined
            ? { percent: bounded }
            : { percent: bounded, message: storableText(String(message), limits.progressMessageCharsMax) }
        keeper.report(run, run.progress)
      },
    }
  }

  return Object.freeze<Runs>({
    start,
    has: lease => find(lease) !== undefined,
    cancel,
    lose,
    fence,
    abortAll: reason => {
      for (const run of undecided.values()) abort(run, reason)
    },
    releaseAll: () => {
      for (const run of [...undecided.values()]) {
        decide(run, released)
        straying.add(run)
      }
    },
    slotsUsed: () => slotsUsed,
    list: () => {
      const now = clock.monotonic()
      return [...undecided.values(), ...straying].map(run => ({
        taskId: run.taskId,
        type: run.task.task_type,
        attempt: run.task.attempt,
        epoch: run.epoch,
        runningMs: Math.round(now - run.startedMs),
        progress: run.progress,
      }))
    },
    stop: () => deadlines.stop(),
  })
}

function createRun(task: SparseClaimedTask, startedMs: number): Run {
  return {
    task,
    taskId: task.task_id,
    epoch: task.epoch,
    startedMs,
    phase: 'running',
    isSlotUsed: true,
    controller: null,
    abortReason: null,
    progress: null,
    hasLogged: false,
    due: 'timeout',
    dueAtMs: 0,
    dueTick: -1,
  }
}

function signalOf(run: Run): AbortSignal {
  if (run.controller === null) {
    run.controller = new AbortController()
    if (run.abortReason !== null) run.controller.abort(run.abortReason)
  }
  return run.controller.signal
}

/** What a sparse claim does not say. */
const unsaid = Object.freeze({
  name: null,
  description: null,
  payload: null,
  dependencies: Object.freeze([]),
  timeout: null,
  idempotency_key: null,
  run_at: null,
  completed_at: null,
  result: null,
  error: null,
  progress: null,
  labels: Object.freeze({}),
  submitted_by: null,
  trace: null,
})

/** For handlers that look at the whole task; most never do. */
function wholeTask(task: SparseClaimedTask): ClaimedTask {
  const parents = task.parents_url === undefined ? { parents: task.parents ?? {} } : {}
  return { ...unsaid, ...task, ...parents }
}

async function checkInput(definition: AnyTaskDefinition, task: SparseClaimedTask): Promise<unknown> {
  const checked = await definition.input?.['~standard'].validate(task.payload ?? null)
  if (checked?.issues !== undefined) throw new InputInvalidError(definition.type, checked.issues)
  return checked?.value
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
