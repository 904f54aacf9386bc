import type { Task } from '@tasklane/protocol'
import { percentile } from '../output/quantities.ts'
import type { LoadOutcome } from './generate-load.ts'

export interface Latency {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** What `generate --json` prints. Latencies are milliseconds. */
export interface LoadSummary {
  /** The value of the label `generate` that the tasks have. */
  readonly run: string
  readonly submitted: number
  readonly refused: Readonly<Record<string, number>>
  readonly seconds: number
  readonly submits_per_second: number
  /** From the call of a submit to its answer, as this process saw it. */
  readonly submit_ms: Latency
  /** With `--wait`: how the tasks ended, and how long it took by the scheduler's clock. */
  readonly ended?: {
    readonly completed: number
    readonly failed: number
    readonly cancelled: number
    /** From the first submit to the last end. */
    readonly seconds: number
    readonly tasks_per_second: number
    /** From accepted to ended. */
    readonly end_to_end_ms: Latency
    /** From accepted to the start of the last attempt. */
    readonly wait_ms: Latency
  }
}

export function summariseLoad(run: string, outcome: LoadOutcome, tasks: readonly Task[] | null): LoadSummary {
  return {
    run,
    submitted: outcome.submitted,
    refused: outcome.refused,
    seconds: round(outcome.seconds, 3),
    submits_per_second: round(outcome.seconds === 0 ? 0 : outcome.submitted / outcome.seconds, 1),
    submit_ms: latencyOf(outcome.submitMs),
    ...(tasks === null ? {} : { ended: summariseEnds(tasks) }),
  }
}

function summariseEnds(tasks: readonly Task[]): NonNullable<LoadSummary['ended']> {
  const created = tasks.map(task => Date.parse(task.created_at))
  const ended = tasks.flatMap(task => (task.completed_at === null ? [] : [Date.parse(task.completed_at)]))
  const seconds = ended.length === 0 ? 0 : (smallest(ended, -1) - smallest(created, 1)) / 1_000
  const since = (task: Task, time: string | null) =>
    time === null ? [] : [Math.max(0, Date.parse(time) - Date.parse(task.created_at))]
  const count = (status: Task['status']) => tasks.filter(task => task.status === status).length
  return {
    completed: count('completed'),
    failed: count('failed'),
    cancelled: count('cancelled'),
    seconds: round(seconds, 3),
    tasks_per_second: round(seconds <= 0 ? 0 : ended.length / seconds, 1),
    end_to_end_ms: latencyOf(tasks.flatMap(task => since(task, task.completed_at))),
    wait_ms: latencyOf(tasks.flatMap(task => since(task, task.started_at))),
  }
}

function latencyOf(values: readonly number[]): Latency {
  const at = (percent: number) => round(percentile(values, percent), 2)
  return { p50: at(50), p95: at(95), p99: at(99) }
}

/** The smallest (sign 1) or the largest (sign -1); not Math.min, whose arguments have a limit. */
function smallest(values: readonly number[], sign: 1 | -1): number {
  return values.reduce((best, value) => (sign * value < sign * best ? value : best), values[0] ?? 0)
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
