import { taskStates } from '@tasklane/protocol'
import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { EngineEvent } from '../engine/engine.ts'
import type { HttpContext } from './context.ts'
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
  const onEvent = createEventMetrics(registry)
  const refresh = createStateMetrics(registry, context)
  const http = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'From the first byte of the request to the last of the reply; long polls include their wait.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: httpBuckets,
    registers: [registry],
  })
  app.route({
    method: 'GET',
    url: '/metrics',
    config: { servesWhileStopping: true },
    schema: describeCall({
      operationId: 'metrics',
      tag: 'health',
      summary: 'Metrics for Prometheus',
      replies: { 200: ['Text exposition format', 'text'] },
    }),
    handler: async (_request, reply) => {
      await refresh()
      return reply.header('content-type', registry.contentType).send(await registry.metrics())
    },
  })
  const stopObserving = context.engine.observe(onEvent)
  // Bound to their labels once: there are as many as routes and statuses, and hashing labels costs more than counting.
  const bound = new Map<string, ReturnType<typeof http.labels>>()
  const boundTo = ({ method, route, status }: HttpObservation) => {
    const key = `${method} ${status} ${route}`
    const known = bound.get(key) ?? http.labels({ method, route, status })
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

function createEventMetrics(registry: Registry): (event: EngineEvent) => void {
  const registers = [registry]
  const capQueue = createLabelCap(labelValuesMax)
  const capType = createLabelCap(labelValuesMax)
  const lane = ['queue', 'type'] as const
  const submitted = new Counter({
    name: 'tasklane_tasks_submitted_total',
    help: 'Tasks accepted.',
    labelNames: lane,
    registers,
  })
  const claimed = new Counter({
    name: 'tasklane_tasks_claimed_total',
    help: 'Claims handed out.',
    labelNames: lane,
    registers,
  })
  const ended = new Counter({
    name: 'tasklane_tasks_ended_total',
    help: 'Tasks that reached a final state.',
    labelNames: [...lane, 'state'] as const,
    registers,
  })
  const wait = new Histogram({
    name: 'tasklane_task_wait_seconds',
    help: 'From due to started, of tasks that ended.',
    labelNames: lane,
    buckets: secondsBuckets,
    registers,
  })
  const run = new Histogram({
    name: 'tasklane_task_run_seconds',
    help: 'From started to ended, of tasks that ended.',
    labelNames: lane,
    buckets: secondsBuckets,
    registers,
  })
  const failed = new Counter({
    name: 'tasklane_attempts_failed_total',
    help: 'Attempts that ended badly, by how.',
    labelNames: ['as', 'will_retry'] as const,
    registers,
  })
  const stale = new Counter({ name: 'tasklane_stale_settles_total', help: 'Settles refused by the fence.', registers })
  const commits = new Counter({ name: 'tasklane_commits_total', help: 'Group commits.', registers })
  const commands = new Counter({
    name: 'tasklane_commit_commands_total',
    help: 'Commands in group commits.',
    registers,
  })
  const commitSeconds = new Histogram({
    name: 'tasklane_commit_duration_seconds',
    help: 'Time of one group commit.',
    buckets: commitBuckets,
    registers,
  })
  // Children bound to their labels: validating and hashing labels for every task would cost more than counting it.
  const bind = (queue: string, type: string) => {
    const labels = { queue, type }
    return {
      submitted: submitted.labels(labels),
      claimed: claimed.labels(labels),
      wait: wait.labels(labels),
      run: run.labels(labels),
      completed: ended.labels({ ...labels, state: 'completed' }),
      failed: ended.labels({ ...labels, state: 'failed' }),
      cancelled: ended.labels({ ...labels, state: 'cancelled' }),
    }
  }
  // The caps bound the keys.
  const lanes = new Map<string, ReturnType<typeof bind>>()
  const laneOf = (event: { readonly queue: string; readonly type: string }) => {
    const queue = capQueue(event.queue)
    const type = capType(event.type)
    const key = `${queue}\n${type}`
    const known = lanes.get(key)
    if (known !== undefined) return known
    const bound = bind(queue, type)
    lanes.set(key, bound)
    return bound
  }
  return event => {
    switch (event.kind) {
      case 'submitted':
        laneOf(event).submitted.inc(event.count)
        return
      case 'claimed':
        laneOf(event).claimed.inc(event.count)
        return
      case 'ended': {
        const lane = laneOf(event)
        lane[event.state].inc()
        if (event.waitMs !== null) lane.wait.observe(event.waitMs / 1_000)
        if (event.runMs !== null) lane.run.observe(event.runMs / 1_000)
        return
      }
      case 'attempt_failed':
        failed.inc({ as: event.as, will_retry: String(event.willRetry) }, 1)
        return
      case 'stale_settle':
        stale.inc()
        return
      case 'committed':
        commits.inc()
        commands.inc(event.commands)
        commitSeconds.observe(event.durationMs / 1_000)
    }
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
  const storeUp = new Gauge({ name: 'tasklane_store_up', help: '1 while the store answers.', registers })
  const capQueue = createLabelCap(labelValuesMax)
  return async () => {
    for (const gauge of [tasks, oldest, paused, workers, slots]) gauge.reset()
    try {
      const [queues, stats, known] = await Promise.all([engine.queues(), engine.stats(), engine.workers()])
      for (const queue of queues) {
        const name = capQueue(queue.name)
        for (const state of taskStates) tasks.inc({ queue: name, state }, queue.counts[state])
        paused.set({ queue: name }, queue.paused ? 1 : 0)
        if (queue.oldest_age !== null) oldest.set({ queue: name }, queue.oldest_age)
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
