import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { onTestFinished } from 'vitest'
import { createLocalBroker } from '../../src/brokers/local/local-broker.ts'
import { createEngine, engineSettingsDefault } from '../../src/engine/create-engine.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { buildApp } from '../../src/http/app.ts'
import type { AccessOptions } from '../../src/http/auth/access-options.ts'
import type { HttpSettings } from '../../src/http/context.ts'
import { type EdgeSettings, edgeSettingsDefault } from '../../src/http/edge/edge-settings.ts'
import type { AccountStore } from '../../src/ports/accounts.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { Log, LogFields } from '../../src/ports/log.ts'
import type { Store } from '../../src/ports/store.ts'
import { createMemoryStore } from '../../src/stores/memory/memory-store.ts'
import { systemClock } from '../../src/system-clock.ts'

export interface LogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: LogFields
  readonly message: string
}

export interface Node {
  readonly app: FastifyInstance
  readonly engine: Engine
  readonly store: Store
  readonly log: readonly LogEntry[]
  stop(): Promise<void>
  call(method: Method, url: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Submits, registers a worker for every type, and claims. */
  running(taskId: string, workerId?: string): Promise<{ readonly epoch: number }>
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'PUT' | 'HEAD' | 'OPTIONS'

export interface Answer {
  readonly status: number
  // Replies are looked into by tests; a wrong guess fails the test that made it.
  readonly body: Readonly<Record<string, unknown>>
  readonly text: string
  readonly headers: LightMyRequestResponse['headers']
}

export interface NodeOptions {
  readonly settings?: Partial<HttpSettings>
  /** Doubles in place of single methods. */
  readonly engine?: (real: Engine) => Partial<Engine>
  readonly clock?: Clock
  /** In place of `Node.log`. */
  readonly logTo?: Log
  readonly access?: Partial<AccessOptions>
  readonly edge?: Partial<EdgeSettings>
  readonly accounts?: (real: AccountStore) => Partial<AccountStore>
  /** Lives until it is stopped: one node for all tests of a file. */
  readonly keep?: boolean
}

/** A node on the memory store, torn down with the test. */
export async function startNode(options: NodeOptions = {}): Promise<Node> {
  const log: LogEntry[] = []
  const { clock = systemClock } = options
  const store = createMemoryStore({ clock, headStartMs: 3_600_000 })
  await store.migrate()
  const real = createEngine({
    store,
    broker: createLocalBroker(),
    clock,
    log: options.logTo ?? recordingLog(log),
    settings: { ...engineSettingsDefault, version: '0.0.0-test' },
  })
  await real.start()
  const engine: Engine = { ...real, ...options.engine?.(real) }
  const app = await buildApp({
    engine,
    clock,
    log: options.logTo ?? recordingLog(log),
    version: '0.0.0-test',
    access: { mode: 'open', accounts: { ...store, ...options.accounts?.(store) }, secretKeys: [], ...options.access },
    settings: { metricsEnabled: false, requestTimeoutMs: 30_000, ...options.settings },
    edge: { ...edgeSettingsDefault, ...options.edge },
  })
  const stop = async (): Promise<void> => {
    app.beginStop()
    real.beginStop()
    app.server.closeAllConnections()
    await app.close()
    await real.stop()
    await store.close()
  }
  if (options.keep !== true) onTestFinished(stop)
  const call: Node['call'] = async (method, url, body, headers = {}) => {
    const isText = typeof body === 'string' || Buffer.isBuffer(body)
    const reply = await app.inject({
      method,
      url,
      headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { payload: isText ? body : JSON.stringify(body) }),
    })
    return { status: reply.statusCode, headers: reply.headers, text: reply.body, body: parsed(reply) }
  }
  return {
    app,
    engine,
    store,
    log,
    call,
    stop,
    async running(taskId, workerId = 'w1') {
      await call('POST', '/api/tasks', { task_id: taskId, task_type: 'noop' })
      await call('POST', '/api/workers/register', { worker_id: workerId, capabilities: ['*'] })
      const claim = await call('POST', `/api/workers/${workerId}/claim`, { limit: 1 })
      const [task] = claim.body.tasks as { task_id: string; epoch: number }[]
      if (task?.task_id !== taskId) throw new Error(`expected to claim ${taskId}: ${claim.text}`)
      return { epoch: task.epoch }
    },
  }
}

/** Listens on a port of its own and says which. */
export async function listen(node: Node): Promise<number> {
  await node.app.listen({ host: '127.0.0.1', port: 0 })
  const address = node.app.server.address()
  if (address === null || typeof address === 'string') throw new Error('the test node has no port')
  return address.port
}

/** Waits until the condition holds; fails after ten seconds, which only a fault takes. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1_000; tries += 1) {
    if (await condition()) return
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  throw new Error('the condition did not come true within ten seconds')
}

function parsed(reply: LightMyRequestResponse): Answer['body'] {
  const isJson = String(reply.headers['content-type']).includes('json') && reply.body !== ''
  return isJson ? JSON.parse(reply.body) : {}
}

function recordingLog(entries: LogEntry[]): Log {
  const log: Log = {
    debug: (fields, message) => void entries.push({ level: 'debug', fields, message }),
    info: (fields, message) => void entries.push({ level: 'info', fields, message }),
    warn: (fields, message) => void entries.push({ level: 'warn', fields, message }),
    error: (fields, message) => void entries.push({ level: 'error', fields, message }),
    child: () => log,
  }
  return log
}
