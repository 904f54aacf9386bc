import type { LiveNode } from './node.ts'

/** A request that the node serves. Every bad request of the suite is one of these with one thing broken. */
export interface Example {
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: Readonly<Record<string, unknown>>
  /** In place of a JSON body. */
  readonly form?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * The valid requests of a call. Together they name every field of its body and every parameter of its query; the suite
 * checks that, so that a new field or a new call fails until it stands here.
 */
export type ExampleMaker = (world: World) => Promise<readonly Example[]>

export interface World {
  /** A task of this id that waits, made if it is not there. */
  waiting(): Promise<string>
  /** A task in the hands of worker `w1`, and its epoch. */
  running(): Promise<{ readonly id: string; readonly epoch: number }>
  completed(): Promise<string>
  cancelled(): Promise<string>
  /** The id of a worker that is registered for this and holds nothing. */
  idleWorker(): Promise<string>
  /** `next_cursor` of a list of one. */
  cursor(): Promise<string>
  freshId(): string
  /** The name of a new user; the password is `userPassword`. */
  user(): Promise<string>
  /** The id of a new service token. */
  token(): Promise<string>
  /** Of a new user that is logged in. */
  bearer(): Promise<string>
  /** `next_cursor` of a page of one entry. */
  auditCursor(): Promise<string>
  /** The number of an alert that fires. */
  alert(): Promise<number>
  /** `next_cursor` of a page of one alert. */
  alertCursor(): Promise<string>
  /** The id of a new rule, or of a new channel; the former ones are gone, since there is an end to them. */
  rule(): Promise<string>
  channel(): Promise<string>
}

export const userPassword = 'a password for a test'

export function createWorld(node: LiveNode): World {
  let made = 0
  const freshId = () => {
    made += 1
    return `task-${made}`
  }
  const submit = async (fields: object) => {
    const id = freshId()
    const reply = await node.post('/api/tasks', { task_id: id, ...fields })
    if (reply.status !== 201) throw new Error(`The world could not submit: ${reply.text}`)
    return id
  }
  const world: World = {
    freshId,
    ...createPeople(node, freshId),
    ...createAlerts(node, submit, freshId),
    // Nobody claims this type.
    waiting: () => submit({ task_type: 'wait' }),
    running: async () => {
      const type = freshId()
      const id = await submit({ task_type: type, queue: 'hands' })
      // Tasks of other examples that went back to the queue are left alone.
      await node.post('/api/workers/register', { worker_id: 'w1', capabilities: [type], queues: ['hands'] })
      const claim = await node.post('/api/workers/w1/claim', { limit: 1 })
      const [task] = Object(claim.body).tasks
      if (task?.task_id !== id) throw new Error(`The world could not claim: ${claim.text}`)
      return { id, epoch: Number(task.epoch) }
    },
    completed: async () => {
      const { id, epoch } = await world.running()
      await node.post('/api/workers/w1/settle', { results: [{ task_id: id, epoch, outcome: 'completed', result: 1 }] })
      return id
    },
    cancelled: async () => {
      const id = await world.waiting()
      await node.post(`/api/tasks/${id}/cancel`, {})
      return id
    },
    idleWorker: async () => {
      made += 1
      const id = `worker-${made}`
      await node.post('/api/workers/register', { worker_id: id, capabilities: ['nothing'] })
      return id
    },
    cursor: async () => {
      await world.waiting()
      await world.waiting()
      return String(Object((await node.get('/api/tasks?limit=1')).body).next_cursor)
    },
  }
  return world
}

function createPeople(node: LiveNode, freshId: () => string): Pick<World, 'user' | 'token' | 'bearer' | 'auditCursor'> {
  const user = async (): Promise<string> => {
    const name = freshId()
    const reply = await node.post('/api/users', { name, password: userPassword, role: 'admin' })
    if (reply.status !== 201) throw new Error(`The world could not make a user: ${reply.text}`)
    return name
  }
  return {
    user,
    auditCursor: async () => {
      await user()
      await user()
      return String(Object((await node.get('/api/audit?limit=1')).body).next_cursor)
    },
    token: async () => {
      const reply = await node.post('/api/tokens', { name: freshId(), role: 'worker' })
      return String(Object(reply.body).token_id)
    },
    bearer: async () => {
      const form = new URLSearchParams({ username: await user(), password: userPassword }).toString()
      const headers = { 'content-type': formType, 'content-length': String(form.length) }
      const reply = await node.send({ method: 'POST', path: '/token', headers, body: form })
      if (reply.status !== 200) throw new Error(`The world could not log in: ${reply.text}`)
      return String(Object(reply.body).access_token)
    },
  }
}

type AlertsOfWorld = Pick<World, 'alert' | 'alertCursor' | 'rule' | 'channel'>

function createAlerts(
  node: LiveNode,
  submit: (fields: object) => Promise<string>,
  freshId: () => string,
): AlertsOfWorld {
  const firing = async (): Promise<readonly { readonly alert_id: number }[]> =>
    Object((await node.get('/api/alerts?state=firing')).body).alerts
  const remove = (path: string) => node.send({ method: 'DELETE', path })
  const anew = async (what: 'rules' | 'channels', body: object): Promise<string> => {
    const [list, key] = what === 'rules' ? ['rules', 'rule_id'] : ['channels', 'channel_id']
    for (const each of Object((await node.get(`/api/alerts/${what}`)).body)[list]) {
      if (each.default !== true) await remove(`/api/alerts/${what}/${each[key]}`)
    }
    const reply = await node.post(`/api/alerts/${what}`, body)
    if (reply.status !== 201) throw new Error(`The world could not make one of ${what}: ${reply.text}`)
    return String(Object(reply.body)[key])
  }
  const fire = async (): Promise<void> => {
    await anew('rules', { name: 'Paused', kind: 'queue_paused', for: 0 })
    for (const queue of [freshId(), freshId()]) {
      await node.send({ method: 'PATCH', path: `/api/queues/${queue}`, body: '{"paused":true}' })
      await submit({ task_type: 'wait', queue })
    }
    await node.look()
  }
  return {
    rule: () => anew('rules', { name: 'Deep', kind: 'queue_depth' }),
    channel: () => anew('channels', { name: 'Night shift', url: 'http://127.0.0.1:9/' }),
    alert: async () => {
      if ((await firing()).length === 0) await fire()
      return Number((await firing())[0]?.alert_id)
    },
    alertCursor: async () => {
      if ((await firing()).length === 0) await fire()
      return String(Object((await node.get('/api/alerts?limit=1')).body).next_cursor)
    },
  }
}

export const formType = 'application/x-www-form-urlencoded'

const taskFields = {
  task_type: 'a',
  payload: { x: 1 },
  priority: 5,
  on_dependency_failure: 'proceed',
  timeout: 30,
  max_retries: 2,
  queue: 'q',
  name: 'A name',
  description: 'A description.',
  labels: { colour: 'blue' },
}

const reads = (suffix: string): ExampleMaker => {
  return async world => [{ path: `/api/tasks/${await world.waiting()}${suffix}` }]
}
const plain = (path: string): ExampleMaker => {
  return async () => [{ path }]
}

/** Of a list of tasks, beside what it is told by names. */
const ranges = {
  fingerprint: '0123456789abcdef',
  created_after: '2026-01-01T00:00:00Z',
  created_before: '2100-01-01T00:00:00Z',
}

/** Example requests by the name of the call in the document. */
export const examples: Readonly<Record<string, ExampleMaker>> = {
  submit: async world => {
    const dependencies = [await world.waiting()]
    const [one, other] = [world.freshId(), world.freshId()]
    const path = '/api/tasks'
    return [
      { path, body: { ...taskFields, task_id: one, dependencies, delay: 60, idempotency_key: `key-${one}` } },
      { path, body: { task_type: 'a', task_id: other, run_at: '2027-01-31T08:30:00Z' } },
    ]
  },
  submitMany: async world => {
    const dependencies = [await world.waiting()]
    const [one, other, third] = [world.freshId(), world.freshId(), world.freshId()]
    const full = { ...taskFields, task_id: one, dependencies, delay: 60, idempotency_key: `key-${one}` }
    const path = '/api/tasks/batch'
    return [
      { path, body: { atomic: true, tasks: [full, { task_type: 'a', task_id: other }] } },
      { path, body: { tasks: [{ task_type: 'a', task_id: third, run_at: '2027-01-31T08:30:00Z' }] } },
    ]
  },
  list: async world => {
    const cursor = await world.cursor()
    const filter = { status: 'pending', task_type: 'wait', queue: 'default', worker_id: 'w1', label: 'a:b', q: 'task' }
    return [
      {
        path: '/api/tasks',
        query: { ...filter, ...ranges, priority_min: '1', priority_max: '9', count: 'true', limit: '10', offset: '0' },
      },
      { path: '/api/tasks', query: { cursor } },
    ]
  },
  bulk: async world => {
    const path = '/api/tasks/bulk'
    const ids = [await world.waiting()]
    const filter = { status: 'pending', task_type: 'wait', queue: 'default', worker_id: 'w1', label: 'a:b', q: 'task' }
    return [
      { path, body: { action: 'reprioritise', ids, priority: 6, dry_run: true } },
      {
        path,
        body: {
          action: 'cancel',
          filter: { ...filter, ...ranges, priority_min: 1, priority_max: 9 },
          reason: 'A reason.',
          dry_run: true,
        },
      },
      { path, body: { action: 'retry', ids, with_dependents: true, dry_run: true } },
    ]
  },
  get: reads(''),
  attempts: reads('/attempts'),
  graph: reads('/graph'),
  why: reads('/why'),
  logs: async world => [{ path: `/api/tasks/${await world.waiting()}/logs`, query: { after: '0', limit: '10' } }],
  parents: async world => [{ path: `/api/tasks/${await world.waiting()}/parents`, query: { from: '0' } }],
  wait: async world => [{ path: `/api/tasks/${await world.waiting()}/result`, query: { wait: '0.01' } }],
  cancel: async world => [{ path: `/api/tasks/${await world.waiting()}/cancel`, body: { reason: 'A reason.' } }],
  retry: async world => [{ path: `/api/tasks/${await world.cancelled()}/retry`, body: { with_dependents: false } }],
  reprioritise: async world => [{ path: `/api/tasks/${await world.waiting()}`, body: { priority: 7 } }],
  remove: async world => [{ path: `/api/tasks/${await world.completed()}` }],
  registerWorker: async world => [
    {
      path: '/api/workers/register',
      body: {
        worker_id: await world.idleWorker(),
        capabilities: ['a'],
        queues: ['q'],
        max_concurrent_tasks: 4,
        labels: { zone: 'one' },
        instance: 'first',
        types: { a: { type: 'object' } },
      },
    },
  ],
  claim: async world => [
    {
      path: `/api/workers/${await world.idleWorker()}/claim`,
      body: { limit: 2, wait: 0.01, request_id: 'r1', sparse: true },
    },
  ],
  heartbeat: async world => {
    const { id, epoch } = await world.running()
    return [
      {
        path: '/api/workers/w1/heartbeat',
        body: {
          status: 'busy',
          current_tasks: [{ task_id: id, epoch, progress: { percent: 40, message: 'page 4' } }],
          system_info: { cpu_usage: 1.5, memory_usage: 2, disk_usage: 3, sdk: 'tasklane-sdk 0.1.0' },
        },
      },
    ]
  },
  settle: async world => {
    const [one, other] = [await world.running(), await world.running()]
    const error = { code: 'Oops', message: 'It broke.', stack: 'somewhere' }
    const path = '/api/workers/w1/settle'
    return [
      { path, body: { results: [{ task_id: one.id, epoch: one.epoch, outcome: 'completed', result: { n: 1 } }] } },
      {
        path,
        body: {
          results: [
            { task_id: other.id, epoch: other.epoch, outcome: 'failed', error, retryable: true, retry_after: 60 },
          ],
          claim: { limit: 1, request_id: 'r1', sparse: true },
        },
      },
    ]
  },
  appendLogs: async world => {
    const { id, epoch } = await world.running()
    const line = { task_id: id, epoch, level: 'info', message: 'a line', time: '2026-01-31T08:30:00Z' }
    return [{ path: '/api/workers/w1/logs', body: { logs: [line] } }]
  },
  drainWorker: async world => [{ path: `/api/workers/${await world.idleWorker()}/drain` }],
  removeWorker: async world => [{ path: `/api/workers/${await world.idleWorker()}` }],
  worker: async world => [{ path: `/api/workers/${await world.idleWorker()}` }],
  workers: plain('/api/workers'),
  queues: plain('/api/queues'),
  queue: async world => {
    await world.waiting()
    return [{ path: '/api/queues/default' }]
  },
  setQueue: async () => [
    { path: '/api/queues/q', body: { paused: false } },
    { path: '/api/queues/q', body: { paused: true, reason: 'Deploying' } },
  ],
  numberedSubmit: async world => {
    const dependencies = [await world.waiting()]
    const [one, other, third] = [world.freshId(), world.freshId(), world.freshId()]
    const path = '/tasks'
    return [
      { path, body: { ...taskFields, task_id: one, dependencies, delay: 60, idempotency_key: `key-${one}` } },
      { path, body: { type: 'a', data: { x: 1 }, task_id: other, run_at: '2027-01-31T08:30:00Z' } },
      { path, body: { type: 'a', params: [1], task_id: third } },
    ]
  },
  numberedList: async world => {
    const cursor = await world.cursor()
    const filter = { status: 'pending', task_type: 'wait', queue: 'default', worker_id: 'w1', label: 'a:b', q: 'task' }
    return [
      {
        path: '/tasks',
        query: {
          ...filter,
          ...ranges,
          priority_min: '1',
          priority_max: '9',
          count: 'true',
          limit: '10',
          offset: '0',
          skip: '0',
        },
      },
      { path: '/tasks', query: { cursor } },
    ]
  },
  numberedTask: async world => [{ path: `/tasks/${await world.waiting()}` }],
  numberedComplete: async world => [{ path: `/tasks/${await world.waiting()}/complete` }],
  numberedDelete: async world => [{ path: `/tasks/${await world.waiting()}` }],
  rootWorkers: plain('/workers'),
  rootWorker: async world => [{ path: `/workers/${await world.idleWorker()}` }],
  rootRemoveWorker: async world => [{ path: `/workers/${await world.idleWorker()}` }],
  arithmeticAdd: async () => [{ path: '/add', body: { x: 1, y: 2 } }],
  arithmeticMultiply: async () => [{ path: '/multiply', body: { x: 1.5, y: 2 } }],
  arithmeticUpperCase: async () => [{ path: '/upper_case', body: { text: 'a' } }],
  arithmeticStatus: async world => [{ path: `/status/${await world.waiting()}` }],
  pullAddTask: async world => {
    const dependencies = [await world.waiting()]
    const call = { func_name: 'f', args: [1], kwargs: { y: 2 }, priority: 5, dependencies, timeout: 30 }
    return [{ path: '/add_task', body: call }]
  },
  pullReport: async world => {
    const { id } = await world.running()
    const report = { status: 'COMPLETED', result: { n: 1 }, error_message: 'It broke.', worker_id: 'w1' }
    return [{ path: '/task_status', body: { task_id: id, ...report } }]
  },
  pullGetTask: async world => [{ path: `/get_task/${await world.idleWorker()}` }],
  pullHeartbeat: async world => [{ path: `/heartbeat/${await world.idleWorker()}` }],
  pullRegisterWorker: async world => [
    { path: `/register_worker/${await world.idleWorker()}`, query: { capabilities: 'a,b' } },
  ],
  pullUnregisterWorker: async world => [{ path: `/unregister_worker/${await world.idleWorker()}` }],
  pullUnregister: async world => [{ path: `/unregister/${await world.idleWorker()}` }],
  pullCancel: async world => [{ path: `/cancel_task/${await world.waiting()}` }],
  pullStatus: plain('/status'),
  events: async () => [{ path: '/api/events', query: { topics: 'tasks,stats' } }],
  stats: plain('/api/stats'),
  statsHistory: async () => [{ path: '/api/stats/history', query: { minutes: '5', step: '5', queue: 'default' } }],
  failures: async () => [{ path: '/api/failures', query: { hours: '24', limit: '10' } }],
  attention: plain('/api/attention'),
  alerts: async world => [
    { path: '/api/alerts', query: { state: 'firing,pending', severity: 'critical', rule: 'failing', limit: '10' } },
    { path: '/api/alerts', query: { cursor: await world.alertCursor() } },
  ],
  alert: async world => [{ path: `/api/alerts/${await world.alert()}` }],
  silenceAlert: async world => {
    const path = `/api/alerts/${await world.alert()}/silence`
    const inAWeek = new Date(Date.now() + 7 * 86_400_000).toISOString()
    return [
      { path, body: { for: 60, reason: 'A reason.' } },
      { path, body: { until: inAWeek, reason: 'A reason.' } },
    ]
  },
  unsilenceAlert: async world => [{ path: `/api/alerts/${await world.alert()}/silence` }],
  alertRules: plain('/api/alerts/rules'),
  createAlertRule: async world => {
    await world.rule()
    const more = { for: 5, severity: 'critical', task_type: 'a', enabled: true }
    const path = '/api/alerts/rules'
    return [
      { path, body: { ...more, name: 'A rule', kind: 'failing', threshold: 5, window: 900 } },
      { path, body: { name: 'A rate', kind: 'failure_rate', least: 7, queue: 'q' } },
    ]
  },
  changeAlertRule: async world => {
    const body = { name: 'A rule', threshold: 5, for: 5, severity: 'critical', queue: 'q', enabled: true }
    return [
      { path: `/api/alerts/rules/${await world.rule()}`, body },
      { path: '/api/alerts/rules/failing', body: { window: 900, task_type: 'a' } },
      { path: '/api/alerts/rules/failure-rate', body: { least: 7 } },
    ]
  },
  removeAlertRule: async world => [{ path: `/api/alerts/rules/${await world.rule()}` }],
  alertChannels: plain('/api/alerts/channels'),
  createAlertChannel: async world => {
    await world.channel()
    const more = { secret: 'a secret of the two', severities: ['critical'], enabled: true, remind_every_s: 3_600 }
    return [{ path: '/api/alerts/channels', body: { name: 'A channel', url: 'http://127.0.0.1:9/', ...more } }]
  },
  changeAlertChannel: async world => {
    const more = { secret: 'a secret of the two', severities: ['critical'], enabled: true, remind_every_s: null }
    const body = { name: 'A channel', url: 'http://127.0.0.1:9/', ...more }
    return [{ path: `/api/alerts/channels/${await world.channel()}`, body }]
  },
  removeAlertChannel: async world => [{ path: `/api/alerts/channels/${await world.channel()}` }],
  testAlertChannel: async world => [{ path: `/api/alerts/channels/${await world.channel()}/test` }],
  types: plain('/api/types'),
  login: async world => [{ path: '/token', form: { username: await world.user(), password: userPassword } }],
  beginSession: async world => [
    {
      path: '/api/session',
      body: { username: await world.user(), password: userPassword },
      headers: { 'x-requested-with': 'tasklane' },
    },
  ],
  endSession: async () => [{ path: '/api/session', query: { everywhere: 'true' } }],
  me: plain('/api/me'),
  changeOwnPassword: async world => [
    {
      path: '/api/me/password',
      body: { current: userPassword, new: 'another password' },
      headers: { authorization: `Bearer ${await world.bearer()}` },
    },
  ],
  site: plain('/api/site'),
  about: plain('/api/about'),
  setFirstAdmin: async () => [{ path: '/api/first-admin', body: { name: 'admin', password: 'another password' } }],
  users: plain('/api/users'),
  user: async world => [{ path: `/api/users/${await world.user()}` }],
  createUser: async world => [
    { path: '/api/users', body: { name: world.freshId(), password: userPassword, role: 'viewer' } },
  ],
  changeUser: async world => {
    // The last admin would stay one.
    await world.user()
    const body = { role: 'viewer', disabled: true, password: 'another password', end_sessions: true }
    return [{ path: `/api/users/${await world.user()}`, body }]
  },
  tokens: plain('/api/tokens'),
  createToken: async world => [
    {
      path: '/api/tokens',
      body: { name: world.freshId(), role: 'worker', queues: ['q'], types: ['a'], expires_in: 3_600 },
    },
  ],
  revokeToken: async world => [{ path: `/api/tokens/${await world.token()}` }],
  audit: async world => [
    { path: '/api/audit', query: { actor: 'ada', action: 'login', subject: 'ada', limit: '10' } },
    { path: '/api/audit', query: { since: '2026-01-31T12:00:00Z', until: '2026-02-01T12:00:00Z' } },
    { path: '/api/audit', query: { cursor: await world.auditCursor() } },
  ],
  health: plain('/health'),
  live: plain('/livez'),
  ready: plain('/readyz'),
  metrics: plain('/metrics'),
}
