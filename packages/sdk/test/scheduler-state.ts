import type {
  BatchReceipt,
  ClaimedTask,
  HeartbeatReply,
  HeartbeatRequest,
  Json,
  ProblemCode,
  SettleReply,
  SettleRequest,
  Task,
  TaskProgress,
  TaskSubmission,
  WorkerLogRequest,
  WorkerRegistration,
} from '@tasklane/protocol'
import type { Clock } from '../src/clock.ts'

type Receipt = Omit<BatchReceipt, 'error'> & {
  readonly error?: { readonly code: ProblemCode; readonly detail: string }
}

/** A task as the double keeps it. */
export interface StoredTask {
  task: Task
  submission: string
  epoch: number
  leaseEndsMs: number
  isCancelling: boolean
  progress: TaskProgress | null
  logs: string[]
  /** What the last accepted settle said. */
  settled: SettleRequest['results'][number] | null
  /** Instead of `parents` in the claim. */
  parentsUrl: string | null
}

export interface StoredWorker {
  registration: WorkerRegistration
  isDraining: boolean
  beats: HeartbeatRequest[]
  claims: Map<string, readonly ClaimedTask[]>
}

/**
 * The rules of a scheduler as docs and protocol tell them, over plain maps: epochs rise with every claim, only task,
 * epoch and worker settle, a repeated request id gives the same tasks. No store, no sweeps but `reap`.
 */
export function createSchedulerState(clock: Clock, leaseSeconds: number) {
  const tasks = new Map<string, StoredTask>()
  const workers = new Map<string, StoredWorker>()

  function submit(submission: TaskSubmission): Receipt {
    const text = JSON.stringify({ ...submission, task_id: undefined })
    const earlier = [...tasks.values()].find(
      ({ task }) =>
        task.task_id === submission.task_id ||
        (submission.idempotency_key !== undefined && task.idempotency_key === submission.idempotency_key),
    )
    if (earlier !== undefined) {
      if (earlier.submission !== text) {
        const detail = `Another task has the id ${earlier.task.task_id}.`
        return refused(submission, 'task_conflict', detail)
      }
      return { task_id: earlier.task.task_id, status: earlier.task.status, outcome: 'existing' }
    }
    const missing = submission.dependencies?.find(id => !tasks.has(id))
    if (missing !== undefined) return refused(submission, 'dependency_unknown', `No task ${missing} exists.`)
    const task = newTask(submission, `made-${tasks.size + 1}`, clock)
    tasks.set(task.task_id, {
      task,
      submission: text,
      epoch: 0,
      leaseEndsMs: 0,
      isCancelling: false,
      progress: null,
      logs: [],
      settled: null,
      parentsUrl: null,
    })
    return { task_id: task.task_id, status: task.status, outcome: 'created' }
  }

  function claim(workerId: string, limit: number): readonly ClaimedTask[] {
    const worker = workers.get(workerId)
    const types = worker?.registration.capabilities ?? []
    const ready = [...tasks.values()].filter(
      ({ task }) => task.status === 'pending' && (types.includes('*') || types.includes(task.task_type)),
    )
    return ready.slice(0, limit).map(stored => {
      stored.epoch += 1
      stored.leaseEndsMs = clock.monotonic() + leaseSeconds * 1_000
      change(stored, { status: 'running', worker_id: workerId, attempt: stored.task.attempt + 1 })
      return {
        ...stored.task,
        epoch: stored.epoch,
        lease_expires_at: new Date(clock.now() + leaseSeconds * 1_000).toISOString(),
        ...(stored.parentsUrl === null ? { parents: parentsOf(stored.task) } : { parents_url: stored.parentsUrl }),
      }
    })
  }

  function parentsOf(task: Task): NonNullable<ClaimedTask['parents']> {
    return Object.fromEntries(
      task.dependencies.map(id => {
        const parent = tasks.get(id)?.task
        return [
          id,
          { status: parent?.status ?? 'failed', result: parent?.result ?? null, error: parent?.error ?? null },
        ] as const
      }),
    )
  }

  function heartbeat(workerId: string, beat: HeartbeatRequest): HeartbeatReply {
    workers.get(workerId)?.beats.push(beat)
    const cancel: string[] = []
    const lost: string[] = []
    for (const named of beat.current_tasks ?? []) {
      const { task_id: taskId, epoch, progress } = typeof named === 'string' ? { task_id: named } : { ...named }
      const stored = tasks.get(taskId)
      if (stored === undefined || !isHeld(stored, workerId, epoch ?? stored.epoch)) {
        lost.push(taskId)
        continue
      }
      stored.leaseEndsMs = clock.monotonic() + leaseSeconds * 1_000
      if (progress !== undefined) stored.progress = progress
      if (stored.isCancelling) cancel.push(taskId)
    }
    return { cancel, lost, drain: workers.get(workerId)?.isDraining ?? false }
  }

  function settle(workerId: string, { results }: SettleRequest): SettleReply {
    return {
      results: results.map(result => {
        const stored = tasks.get(result.task_id)
        if (stored === undefined) return { task_id: result.task_id, verdict: 'unknown' }
        const isRepeat = stored.settled?.epoch === result.epoch && stored.settled.outcome === result.outcome
        if (isRepeat) return { task_id: result.task_id, verdict: 'applied' }
        if (!isHeld(stored, workerId, result.epoch)) return { task_id: result.task_id, verdict: 'stale' }
        stored.settled = result
        if (result.outcome === 'completed') change(stored, { status: 'completed', result: result.result ?? null })
        else if (stored.isCancelling) change(stored, { status: 'cancelled', error: result.error ?? null })
        else if (result.outcome === 'released') {
          change(stored, { status: 'pending', worker_id: null, attempt: stored.task.attempt - 1 })
        } else {
          const mayRetry = result.retryable !== false && stored.task.attempt <= stored.task.max_retries
          change(stored, { status: mayRetry ? 'scheduled' : 'failed', error: result.error ?? null })
        }
        return { task_id: result.task_id, verdict: 'applied' }
      }),
    }
  }

  function appendLogs(workerId: string, { logs }: WorkerLogRequest): { accepted: number; dropped: number } {
    let accepted = 0
    for (const line of logs) {
      const stored = tasks.get(line.task_id)
      if (stored === undefined || !isHeld(stored, workerId, line.epoch)) continue
      stored.logs.push(`${line.level}: ${line.message}`)
      accepted += 1
    }
    return { accepted, dropped: logs.length - accepted }
  }

  function giveBack(workerId: string): void {
    for (const stored of tasks.values()) {
      if (stored.task.status !== 'running' || stored.task.worker_id !== workerId) continue
      change(stored, { status: 'pending', worker_id: null, attempt: stored.task.attempt - 1 })
    }
  }

  /** Gives back what nobody extended in time; the attempt stays counted. */
  function reap(): void {
    for (const stored of tasks.values()) {
      if (stored.task.status === 'running' && stored.leaseEndsMs <= clock.monotonic()) {
        change(stored, { status: 'pending', worker_id: null })
      }
    }
  }

  return { tasks, workers, submit, claim, heartbeat, settle, appendLogs, giveBack, reap }
}

function isHeld(stored: StoredTask, workerId: string, epoch: number): boolean {
  return stored.task.status === 'running' && stored.task.worker_id === workerId && stored.epoch === epoch
}

function change(stored: StoredTask, fields: Partial<Task>): void {
  stored.task = { ...stored.task, ...fields }
}

function refused(submission: TaskSubmission, code: ProblemCode, detail: string): Receipt {
  return { task_id: submission.task_id ?? null, status: null, outcome: 'refused', error: { code, detail } }
}

function newTask(submission: TaskSubmission, madeId: string, clock: Clock): Task {
  return {
    task_id: submission.task_id ?? madeId,
    task_type: submission.task_type,
    queue: submission.queue ?? 'default',
    name: submission.name ?? null,
    description: submission.description ?? null,
    payload: submission.payload ?? (null as Json),
    priority: submission.priority ?? 5,
    priority_source: submission.priority === undefined ? 'default' : 'declared',
    status: 'pending',
    worker_id: null,
    dependencies: submission.dependencies ?? [],
    timeout: submission.timeout === undefined ? 300 : submission.timeout,
    max_retries: submission.max_retries ?? 5,
    attempt: 0,
    idempotency_key: submission.idempotency_key ?? null,
    run_at: submission.run_at ?? null,
    created_at: new Date(clock.now()).toISOString(),
    started_at: null,
    completed_at: null,
    result: null,
    error: null,
    progress: null,
    labels: submission.labels ?? {},
    submitted_by: null,
    trace: null,
  }
}
