import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type BatchSubmission,
  type ClaimRequest,
  isFinished,
  type ProblemCode,
  problems,
  type SettleRequest,
  type TaskSubmission,
  type WorkerRegistration,
} from '@tasklane/protocol'
import { type Clock, systemClock } from '../src/clock.ts'
import { createSchedulerState, type StoredTask, type StoredWorker } from './scheduler-state.ts'

/** A request as it arrived. */
export interface Seen {
  readonly method: string
  readonly path: string
  /** Parsed JSON, or null. */
  readonly body: unknown
  readonly headers: IncomingMessage['headers']
}

/**
 * How the next matching requests go wrong: done but the reply is lost, never answered, or answered with this.
 * `withhold_reply` does the work and leaves the connection open; `lose_request` closes the connection before anything was done; `until` does it when that has come.
 */
export type Fault =
  | 'lose_reply'
  | 'withhold_reply'
  | 'lose_request'
  | 'hang'
  | { readonly until: Promise<unknown> }
  | { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> }

/** A scheduler small enough to be read, over real HTTP. */
export interface SchedulerDouble {
  readonly url: string
  readonly seen: readonly Seen[]
  seenAt(pathPattern: RegExp): readonly Seen[]
  /** Adds a task as a submit would, and wakes waiting claims. */
  add(submission: TaskSubmission): StoredTask
  stored(taskId: string): StoredTask
  worker(workerId: string): StoredWorker
  forgetWorkers(): void
  /** Lets waiting calls look again, after a stored task was changed by hand. */
  wake(): void
  reap(): void
  /** Answers this once it is asked for; for calls the double does not know. */
  answer(method: string, path: string, body: unknown, status?: number): void
  fail(pathPattern: RegExp, fault: Fault, times?: number): void
  /** Closes the port and every connection; what was stored stays. */
  goAway(): Promise<void>
  comeBack(): Promise<void>
}

export interface DoubleOptions {
  readonly clock?: Clock
  readonly heartbeatSeconds?: number
}

interface Reply {
  readonly status: number
  readonly body: unknown
}

type Calls = Readonly<
  Record<
    string,
    (parts: { id: string; body: never; query: URLSearchParams; request: IncomingMessage }) => Reply | Promise<Reply>
  >
>

/** Tests register its end with `onTestFinished`. */
export async function startSchedulerDouble(
  options: DoubleOptions,
  onEnd: (end: () => Promise<void>) => void,
): Promise<SchedulerDouble> {
  const clock = options.clock ?? systemClock
  const heartbeatSeconds = options.heartbeatSeconds ?? 5
  const state = createSchedulerState(clock, heartbeatSeconds * 3)
  const seen: Seen[] = []
  const faults: { pattern: RegExp; fault: Fault; times: number }[] = []
  const answers = new Map<string, Reply>()
  const wakers = new Set<() => void>()
  const calls = createCalls({ state, clock, heartbeatSeconds, wakers })

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readText(request)
    const url = new URL(request.url ?? '/', 'http://double')
    const path = url.pathname + url.search
    const body: unknown = text === '' ? null : JSON.parse(text)
    seen.push({ method: request.method ?? '', path, body, headers: request.headers })
    const planned = faults.find(each => each.times > 0 && each.pattern.test(path))
    if (planned !== undefined) planned.times -= 1
    const fault = planned?.fault
    if (fault === 'hang') return
    if (fault === 'lose_request') {
      request.socket.destroy()
      return
    }
    if (typeof fault === 'object' && 'until' in fault) await fault.until
    else if (typeof fault === 'object') {
      response.writeHead(fault.status, fault.headers).end(fault.body)
      return
    }
    const reply = await route(request, url, body)
    if (fault === 'withhold_reply') return
    if (fault === 'lose_reply') {
      request.socket.destroy()
      return
    }
    response.writeHead(reply.status, { 'content-type': 'application/json' })
    response.end(reply.body === undefined ? '' : JSON.stringify(reply.body))
  }

  async function route(request: IncomingMessage, url: URL, body: unknown): Promise<Reply> {
    const planned = answers.get(`${request.method} ${url.pathname + url.search}`)
    if (planned !== undefined) return planned
    for (const [name, call] of Object.entries(calls)) {
      const [method, pattern = ''] = name.split(' ')
      const match = new RegExp(`^${pattern.replace('{id}', '([^/]+)')}$`).exec(url.pathname)
      if (method !== request.method || match === null) continue
      const id = decodeURIComponent(match[1] ?? '')
      // Each call reads the body as the protocol says it is; the SDK under test is what wrote it.
      return call({ id, body: (body ?? {}) as never, query: url.searchParams, request })
    }
    return problem('not_found', `Nothing is at ${url.pathname}.`)
  }

  let server = await listen(handle, 0)
  // The port is kept over a restart, as a real one's is.
  const { port } = server.address() as AddressInfo
  const goAway = (): Promise<void> => {
    for (const wake of wakers) wake()
    return close(server)
  }
  onEnd(goAway)

  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    seenAt: pattern => seen.filter(each => pattern.test(each.path)),
    add: submission => {
      const receipt = state.submit(submission)
      for (const wake of wakers) wake()
      return found(state.tasks.get(receipt.task_id ?? ''), `task ${submission.task_id}`)
    },
    stored: taskId => found(state.tasks.get(taskId), `task ${taskId}`),
    worker: workerId => found(state.workers.get(workerId), `worker ${workerId}`),
    wake: () => {
      for (const wake of wakers) wake()
    },
    forgetWorkers: () => state.workers.clear(),
    reap: state.reap,
    answer: (method, path, body, status = 200) => {
      answers.set(`${method} ${path}`, { status, body })
    },
    fail: (pattern, fault, times = 1) => {
      faults.push({ pattern, fault, times })
    },
    goAway,
    comeBack: async () => {
      server = await listen(handle, port)
    },
  }
}

function createCalls({
  state,
  clock,
  heartbeatSeconds,
  wakers,
}: {
  state: ReturnType<typeof createSchedulerState>
  clock: Clock
  heartbeatSeconds: number
  wakers: Set<() => void>
}): Calls {
  const wakeAll = (): void => {
    for (const wake of wakers) wake()
  }
  /** Until something may have changed, the time is up, or the asker has gone. */
  const pause = (seconds: number, request: IncomingMessage): Promise<void> =>
    new Promise(resolve => {
      const wake = (): void => {
        wakers.delete(wake)
        request.socket.off('close', wake)
        cancel()
        resolve()
      }
      const cancel = clock.after(seconds * 1_000, wake)
      wakers.add(wake)
      request.socket.once('close', wake)
    })

  return {
    'POST /api/tasks/batch': ({ body }: { body: BatchSubmission }) => {
      const receipts = body.tasks.map(state.submit)
      const refused = receipts.find(receipt => receipt.outcome === 'refused')
      if (body.atomic !== false && refused?.error !== undefined) {
        for (const { task_id: id, outcome } of receipts) if (outcome === 'created') state.tasks.delete(id ?? '')
        return problem(refused.error.code, refused.error.detail)
      }
      wakeAll()
      return { status: 201, body: { tasks: receipts } }
    },
    'GET /api/tasks/{id}': ({ id }) => {
      const stored = state.tasks.get(id)
      return stored === undefined
        ? problem('task_unknown', `No task ${id} exists.`)
        : { status: 200, body: stored.task }
    },
    'GET /api/tasks/{id}/result': async ({ id, query, request }) => {
      const stored = state.tasks.get(id)
      if (stored === undefined) return problem('task_unknown', `No task ${id} exists.`)
      const untilMs = clock.monotonic() + Number(query.get('wait') ?? 0) * 1_000
      while (!isFinished(stored.task.status) && clock.monotonic() < untilMs && !request.socket.destroyed) {
        await pause((untilMs - clock.monotonic()) / 1_000, request)
      }
      return { status: isFinished(stored.task.status) ? 200 : 202, body: stored.task }
    },
    'POST /api/tasks/{id}/cancel': ({ id }) => {
      const stored = state.tasks.get(id)
      if (stored === undefined) return problem('task_unknown', `No task ${id} exists.`)
      if (isFinished(stored.task.status)) return problem('task_finished', `Task ${id} has ended.`)
      if (stored.task.status === 'running') stored.isCancelling = true
      else stored.task = { ...stored.task, status: 'cancelled' }
      return { status: 200, body: stored.task }
    },
    'POST /api/workers/register': ({ body }: { body: WorkerRegistration }) => {
      const known = state.workers.get(body.worker_id)
      if (known !== undefined && known.registration.instance !== body.instance) state.giveBack(body.worker_id)
      state.workers.set(body.worker_id, { registration: body, isDraining: false, beats: [], claims: new Map() })
      const terms = { heartbeat_interval: heartbeatSeconds, lease_seconds: heartbeatSeconds * 3 }
      return { status: 201, body: { worker_id: body.worker_id, ...terms } }
    },
    'POST /api/workers/{id}/claim': async ({
      id,
      body,
      request,
    }: {
      id: string
      body: ClaimRequest
      request: IncomingMessage
    }) => {
      const worker = state.workers.get(id)
      if (worker === undefined) return problem('worker_unknown', `No worker ${id} is known.`)
      if (worker.isDraining) return problem('worker_draining', `Worker ${id} is draining.`)
      const repeated = worker.claims.get(body.request_id ?? '')
      if (repeated !== undefined) return { status: 200, body: { tasks: repeated } }
      const untilMs = clock.monotonic() + (body.wait ?? 0) * 1_000
      let tasks = state.claim(id, body.limit ?? 1)
      while (tasks.length === 0 && clock.monotonic() < untilMs && !request.socket.destroyed) {
        await pause((untilMs - clock.monotonic()) / 1_000, request)
        if (!request.socket.destroyed) tasks = state.claim(id, body.limit ?? 1)
      }
      if (body.request_id !== undefined && tasks.length > 0) worker.claims.set(body.request_id, tasks)
      return { status: 200, body: { tasks } }
    },
    'POST /api/workers/{id}/heartbeat': ({ id, body }) =>
      state.workers.has(id)
        ? { status: 200, body: state.heartbeat(id, body) }
        : problem('worker_unknown', `No worker ${id} is known.`),
    'POST /api/workers/{id}/settle': ({ id, body }: { id: string; body: SettleRequest }) => {
      const reply = state.settle(id, body)
      wakeAll()
      if (body.claim === undefined) return { status: 200, body: reply }
      const worker = state.workers.get(id)
      if (worker === undefined || worker.isDraining) return { status: 200, body: { ...reply, tasks: [] } }
      const { limit = 1, request_id: requestId = '' } = body.claim
      const tasks = worker.claims.get(requestId) ?? state.claim(id, limit)
      if (requestId !== '' && tasks.length > 0) worker.claims.set(requestId, tasks)
      return { status: 200, body: { ...reply, tasks } }
    },
    'POST /api/workers/{id}/logs': ({ id, body }) => ({ status: 200, body: state.appendLogs(id, body) }),
    'DELETE /api/workers/{id}': ({ id }) => {
      if (!state.workers.delete(id)) return problem('worker_unknown', `No worker ${id} is known.`)
      state.giveBack(id)
      wakeAll()
      return { status: 200, body: {} }
    },
  }
}

export function problem(code: ProblemCode, detail: string): Reply {
  const { status, title } = problems[code]
  return { status, body: { type: `/docs/errors#${code}`, title, status, detail, code, request_id: 'r-1' } }
}

function found<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new Error(`The double has no ${what}.`)
  return value
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function listen(
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  port: number,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((request, response) => {
      handle(request, response).catch((error: unknown) => {
        // A client that has gone is part of the tests; anything else shows as a broken connection there.
        if (!response.writableEnded) response.destroy(error instanceof Error ? error : undefined)
      })
    })
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
