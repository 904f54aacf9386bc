import type { AnyTaskDefinition, TaskContext, WorkerRuntimeStatus } from '@tasklane/sdk'

/** Counts of one worker process. */
export interface WorkerMetrics {
  /** The same tasks, with their handlers counted. */
  count(tasks: readonly AnyTaskDefinition[]): readonly AnyTaskDefinition[]
  /** In Prometheus' text format, version 0.0.4. */
  render(status: WorkerRuntimeStatus): string
}

/**
 * How a handler ended, as seen here; what became of the task is the scheduler's to tell. `aborted`: its signal had come,
 * by a cancel, its time limit, a lost lease or the stop of the worker.
 */
const outcomes = ['completed', 'failed', 'aborted'] as const
type Outcome = (typeof outcomes)[number]

interface Count {
  readonly ended: Record<Outcome, number>
  seconds: number
}

/** @param nowMs of a clock that only goes forward */
export function createWorkerMetrics(nowMs: () => number = () => performance.now()): WorkerMetrics {
  const counts = new Map<string, Count>()

  function count(tasks: readonly AnyTaskDefinition[]): readonly AnyTaskDefinition[] {
    return tasks.map(task => {
      const of: Count = { ended: { completed: 0, failed: 0, aborted: 0 }, seconds: 0 }
      counts.set(task.type, of)
      return {
        ...task,
        run: async (input: never, ctx: TaskContext) => {
          const startedMs = nowMs()
          let outcome: Outcome = 'failed'
          try {
            const result: unknown = await task.run(input, ctx)
            outcome = 'completed'
            return result
          } finally {
            of.ended[ctx.signal.aborted ? 'aborted' : outcome] += 1
            of.seconds += (nowMs() - startedMs) / 1_000
          }
        },
      }
    })
  }

  return { count, render: status => `${[...gaugesOf(status), ...handlersOf(counts), ...processOf()].join('\n')}\n` }
}

function gaugesOf({
  state,
  isConnected,
  slots,
  slotsUsed,
  settling,
  workerId,
}: WorkerRuntimeStatus): readonly string[] {
  return [
    ...metric('tasklane_worker_info', 'gauge', 'Who this is.', [[`{worker_id="${escapeLabel(workerId)}"}`, 1]]),
    ...metric('tasklane_worker_running', 'gauge', '1 while it is registered and does not stop.', [
      ['', state === 'running' ? 1 : 0],
    ]),
    ...metric('tasklane_worker_connected', 'gauge', '1 while the scheduler answers.', [['', isConnected ? 1 : 0]]),
    ...metric('tasklane_worker_slots_max', 'gauge', 'Handlers that may run at a time.', [['', slots]]),
    ...metric('tasklane_worker_slots_used', 'gauge', 'Handlers that run.', [['', slotsUsed]]),
    ...metric('tasklane_worker_settling', 'gauge', 'Outcomes the scheduler has not confirmed.', [['', settling]]),
  ]
}

function handlersOf(counts: ReadonlyMap<string, Count>): readonly string[] {
  const each = [...counts].map(([type, count]) => ({ label: `type="${escapeLabel(type)}"`, ...count }))
  return [
    ...metric(
      'tasklane_worker_handlers_total',
      'counter',
      'Handlers that have ended, by how.',
      each.flatMap(({ label, ended }) =>
        outcomes.map((outcome): Sample => [`{${label},outcome="${outcome}"}`, ended[outcome]]),
      ),
    ),
    ...metric(
      'tasklane_worker_handler_seconds_total',
      'counter',
      'Time spent in handlers that have ended.',
      each.map(({ label, seconds }) => [`{${label}}`, seconds]),
    ),
  ]
}

/** The names that Prometheus' own client libraries use. */
function processOf(): readonly string[] {
  const { user, system } = process.cpuUsage()
  return [
    ...metric('process_cpu_seconds_total', 'counter', 'User and system time.', [['', (user + system) / 1_000_000]]),
    ...metric('process_resident_memory_bytes', 'gauge', 'Resident memory.', [['', process.memoryUsage.rss()]]),
    ...metric('process_start_time_seconds', 'gauge', 'When it began, in Unix time.', [
      ['', Math.round(performance.timeOrigin) / 1_000],
    ]),
  ]
}

type Sample = readonly [labels: string, value: number]

function metric(name: string, type: 'gauge' | 'counter', help: string, samples: readonly Sample[]): readonly string[] {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(([labels, value]) => `${name}${labels} ${value}`),
  ]
}

function escapeLabel(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
}
