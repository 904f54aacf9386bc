import { alertSeverities, taskStates } from '@tasklane/protocol'
import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { seesOwnTasksOnly } from '../core/access.ts'
import { Problem } from '../core/problem.ts'
import type { EngineEvent } from '../engine/engine.ts'
import type { HttpContext } from './context.ts'
import { createHistogram, type Series } from './histogram.ts'
import { describeCall } from './openapi.ts'

/** Names come from clients, and each distinct one is a series for ever: beyond this many they are told as `other`. */
const labelValuesMax = 200

const secondsBuckets = [
  0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600, 21_600,
]
const httpBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const commitBuckets = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]

export interface HttpObservation {
  readonly method: string
  /** The pattern of the route, not the path: paths are unbounded. */
  readonly route: string
  readonly status: number
  readonly seconds: number
}

export interface Metrics {
  observeHttp(seen: HttpObservation): void
  close(): void
}

/** `/metrics` in Prometheus' text form. What happened is counted as it happens; what is, is asked at each scrape. */
export function addMetrics(app: FastifyInstance, context: HttpContext): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  addBuildInfo(registry, context.version)
  const events = createEventMetrics(registry)
  const refresh = createStateMetrics(registry, context)
  const http = createHistogram({
    name: 'http_request_duration_seconds',
    help: 'From the first byte of the request to the last of the reply; long polls include their wait.',
    labelNames: ['method', 'route', 'status'],
    buckets: httpBuckets,
  })
  app.route({
    method: 'GET',
    url: '/metrics',
    config: { servesWhileStopping: true },
    schema: describeCall({
      operationId: 'metrics',
      access: 'stats.read',
      tag: 'health',
      summary: 'Metrics for Prometheus',
      replies: { 200: ['Text exposition format', 'text'] },
    }),
    handler: async (request, reply) => {
      // Names of queues and types are in there, and what others do.
      if (seesOwnTasksOnly(request.principal)) {
        throw new Problem(
          'forbidden',
          'The metrics tell of everybody’s tasks; that takes the role viewer, operator or admin.',
        )
      }
      await refresh()
      const parts = [await registry.metrics(), events.text(), http.text()]
      return reply.header('content-type', registry.contentType).send(parts.join('\n'))
    },
  })
  const stopObserving = context.engine.observe(events.count)
  // Bound to their labels once: there are as many as routes and statuses, and hashing labels costs more than counting.
  const bound = new Map<string, Series>()
  const boundTo = ({ method, route, status }: HttpObservation) => {
    const key = `${method} ${status} ${route}`
    const known = bound.get(key) ?? http.labels({ method, route, status: String(status) })
    bound.set(key, known)
    return known
  }
  return {
    observeHttp: seen => boundTo(seen).observe(seen.seconds),
    close() {
      stopObserving()
      registry.clear()
    },
  }
}

/** Keeps the first so many values and tells all further ones as `other`. */
export function createLabelCap(valuesMax: number): (value: string) => string {
  const kept = new Set<string>()
  return value => {
    if (kept.has(value)) return value
    if (kept.size >= valuesMax) return 'other'
    kept.add(value)
    return value
  }
}

function addBuildInfo(registry: Registry, version: string): void {
  const info = new Gauge({
    name: 'tasklane_build_info',
    help: 'Always 1; the labels tell what is running.',
    labelNames: ['version', 'node'] as const,
    registers: [registry],
  })
  info.set({ version, node: process.version }, 1)
}

interface EventMetrics {
  count(event: EngineEvent): void
  /** What is not in the registry. */
  text(): string
}

function createEventMetrics(registry: Registry): EventMetrics {
  const registers = [registry]
  const lanes = createLaneMetrics(registry)
  const failed = new Counter({
    name: 'tasklane_attempts_failed_total',
    help: 'Attempts that ended badly, by how.',
    labelNames: ['as', 'will_retry'] as const,
    registers,
  })
  const notices = new Counter({
    name: 'tasklane_alert_notifications_total',
    help: 'Messages to channels, by what became of them: each failed one is tried again, until it is given up.',
    labelNames: ['outcome'] as const,
    registers,
  })
  const stale = new Counter({ name: 'tasklane_stale_settles_total', help: 'Settles refused by the fence.', registers })
  const commits = new Counter({ name: 'tasklane_commits_total', help: 'Group commits.', registers })
  const commands = new Counter({
    name: 'tasklane_commit_commands_total',
    help: 'Commands in group commits.',
    registers,
  })
  const commitSeconds = createHistogram({
    name: 'tasklane_commit_duration_seconds',
    help: 'Time of one group commit.',
    labelNames: [],
    buckets: commitBuckets,
  })
  const commitSeries = commitSeconds.labels({})
  const count = (event: EngineEvent): void => {
    switch (event.kind) {
      case 'submitted':
        lanes.of(event).submitted += event.count
        return
      case 'claimed':
        lanes.of(event).claimed += event.count
        return
      case 'ended': {
        const lane = lanes.of(event)
        lane[event.state] += 1
        if (event.waitMs !== null) lane.wait.observe(event.waitMs / 1_000)
        if (event.runMs !== null) lane.run.observe(event.runMs / 1_000)
        return
      }
      case 'attempt_failed':
        failed.inc({ as: event.as, will_retry: String(event.willRetry) }, 1)
        return
      case 'notified':
        notices.inc({ outcome: event.outcome })
        return
      case 'stale_settle':
        stale.inc()
        return
      case 'committed':
        commits.inc()
        commands.inc(event.commands)
        commitSeries.observe(event.durationMs / 1_000)
    }
  }
  return { count, text: () => `${lanes.text()}\n${commitSeconds.text()}` }
}

const endStates = ['completed', 'failed', 'cancelled'] as const

/** Plain numbers, since they change with every task; the registry is told at a scrape. */
interface LaneCounts extends Record<(typeof endStates)[number], number> {
  readonly queue: string
  readonly type: string
  submitted: number
  claimed: number
  readonly wait: Series
  readonly run: Series
}

interface LaneMetrics {
  of(event: { readonly queue: string; readonly type: string }): LaneCounts
  text(): string
}

function createLaneMetrics(registry: Registry): LaneMetrics {
  const capQueue = createLabelCap(labelValuesMax)
  const capType = createLabelCap(labelValuesMax)
  const labelNames = ['queue', 'type'] as const
  // The caps bound the keys.
  const lanes = new Map<string, LaneCounts>()
  for (const [name, help, member] of [
    ['tasklane_tasks_submitted_total', 'Tasks accepted.', 'submitted'],
    ['tasklane_tasks_claimed_total', 'Claims handed out.', 'claimed'],
  ] as const) {
    new Counter({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset()
        for (const lane of lanes.values()) {
          if (lane[member] > 0) this.inc({ queue: lane.queue, type: lane.type }, lane[member])
        }
      },
    })
  }
  new Counter({
    name: 'tasklane_tasks_ended_total',
    help: 'Tasks that reached a final state.',
    labelNames: [...labelNames, 'state'] as const,
    registers: [registry],
    collect() {
      this.reset()
      for (const lane of lanes.values()) {
        for (const state of endStates) {
          if (lane[state] > 0) this.inc({ queue: lane.queue, type: lane.type, state }, lane[state])
        }
      }
    },
  })
  const wait = createHistogram({
    name: 'tasklane_task_wait_seconds',
    help: 'From due to started, of tasks that ended.',
    labelNames,
    buckets: secondsBuckets,
  })
  const run = createHistogram({
    name: 'tasklane_task_run_seconds',
    help: 'From started to ended, of tasks that ended.',
    labelNames,
    buckets: secondsBuckets,
  })
  const add = (queue: string, type: string): LaneCounts => {
    const labels = { queue, type }
    const counts = { submitted: 0, claimed: 0, completed: 0, failed: 0, cancelled: 0 }
    return { ...labels, ...counts, wait: wait.labels(labels), run: run.labels(labels) }
  }
  // Events of one lane come in rows, one for every task of a commit.
  let last: { readonly queue: string; readonly type: string; readonly lane: LaneCounts } | null = null
  return {
    of: ({ queue, type }) => {
      if (last !== null && last.queue === queue && last.type === type) return last.lane
      const labels = [capQueue(queue), capType(type)] as const
      const key = labels.join('\n')
      const lane = lanes.get(key) ?? add(...labels)
      lanes.set(key, lane)
      last = { queue, type, lane }
      return lane
    },
    text: () => `${wait.text()}\n${run.text()}`,
  }
}

/** Gauges are read from the engine at each scrape; without the store they are left out and `tasklane_store_up` is 0. */
function createStateMetrics(registry: Registry, { engine, log }: HttpContext): () => Promise<void> {
  const registers = [registry]
  const tasks = new Gauge({
    name: 'tasklane_tasks',
    help: 'Tasks by queue and state.',
    labelNames: ['queue', 'state'] as const,
    registers,
  })
  const oldest = new Gauge({
    name: 'tasklane_queue_oldest_age_seconds',
    help: 'For how long the oldest pending task has been due.',
    labelNames: ['queue'] as const,
    registers,
  })
  const paused = new Gauge({
    name: 'tasklane_queue_paused',
    help: '1 while paused.',
    labelNames: ['queue'] as const,
    registers,
  })
  const workers = new Gauge({
    name: 'tasklane_workers',
    help: 'Workers by status.',
    labelNames: ['status'] as const,
    registers,
  })
  const slots = new Gauge({
    name: 'tasklane_worker_slots',
    help: 'Slots of live workers, and those in use.',
    labelNames: ['use'] as const,
    registers,
  })
  const alerts = new Gauge({
    name: 'tasklane_alerts',
    help: 'Open alerts by state and severity.',
    labelNames: ['state', 'severity'] as const,
    registers,
  })
  const storeUp = new Gauge({ name: 'tasklane_store_up', help: '1 while the store answers.', registers })
  const capQueue = createLabelCap(labelValuesMax)
  return async () => {
    for (const gauge of [tasks, oldest, paused, workers, slots, alerts]) gauge.reset()
    try {
      const [queues, stats, known, open] = await Promise.all([
        engine.queues(),
        engine.stats(),
        engine.workers(),
        engine.alerts.counts(),
      ])
      for (const queue of queues) {
        const name = capQueue(queue.name)
        for (const state of taskStates) tasks.inc({ queue: name, state }, queue.counts[state])
        paused.set({ queue: name }, queue.paused ? 1 : 0)
        if (queue.oldest_age !== null) oldest.set({ queue: name }, queue.oldest_age)
      }
      for (const state of ['pending', 'firing'] as const) {
        for (const severity of alertSeverities) alerts.set({ state, severity }, open[state][severity])
      }
      const { active, draining, lost } = stats.workers
      workers.set({ status: 'active' }, active)
      workers.set({ status: 'draining' }, draining)
      workers.set({ status: 'lost' }, lost)
      slots.set({ use: 'all' }, stats.workers.slots)
      slots.set(
        { use: 'taken' },
        sum(known.filter(worker => worker.status !== 'lost').map(worker => worker.current_tasks.length)),
      )
      storeUp.set(1)
    } catch (error) {
      storeUp.set(0)
      log.warn({ err: error }, 'The gauges of /metrics could not be read')
    }
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
