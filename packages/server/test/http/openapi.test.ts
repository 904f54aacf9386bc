import { problems } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { startNode } from './harness.ts'

type Document = {
  openapi: string
  paths: Record<
    string,
    Record<
      string,
      {
        operationId: string
        tags: string[]
        responses: Record<string, unknown>
        requestBody?: unknown
        parameters?: { name: string; in: string }[]
      }
    >
  >
  components: { schemas: Record<string, object>; responses: Record<string, object> }
}

async function document() {
  const node = await startNode({ settings: { metricsEnabled: true } })
  const answer = await node.call('GET', '/openapi.json')
  expect(answer.status).toBe(200)
  return { node, text: answer.text, document: JSON.parse(answer.text) as Document }
}

describe('/openapi.json', () => {
  it('is OpenAPI 3.1 and holds every call of the API', async () => {
    const { document: told } = await document()
    expect(told.openapi).toBe('3.1.0')
    const calls = Object.entries(told.paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(
        ([method, operation]) => `${operation.operationId}: ${method.toUpperCase()} ${path}`,
      ),
    )
    expect(calls.sort()).toEqual(
      [
        'submit: POST /api/tasks',
        'submitMany: POST /api/tasks/batch',
        'list: GET /api/tasks',
        'bulk: POST /api/tasks/bulk',
        'get: GET /api/tasks/{id}',
        'attempts: GET /api/tasks/{id}/attempts',
        'logs: GET /api/tasks/{id}/logs',
        'graph: GET /api/tasks/{id}/graph',
        'why: GET /api/tasks/{id}/why',
        'parents: GET /api/tasks/{id}/parents',
        'wait: GET /api/tasks/{id}/result',
        'cancel: POST /api/tasks/{id}/cancel',
        'retry: POST /api/tasks/{id}/retry',
        'reprioritise: PATCH /api/tasks/{id}',
        'remove: DELETE /api/tasks/{id}',
        'registerWorker: POST /api/workers/register',
        'claim: POST /api/workers/{id}/claim',
        'heartbeat: POST /api/workers/{id}/heartbeat',
        'settle: POST /api/workers/{id}/settle',
        'appendLogs: POST /api/workers/{id}/logs',
        'drainWorker: POST /api/workers/{id}/drain',
        'removeWorker: DELETE /api/workers/{id}',
        'workers: GET /api/workers',
        'worker: GET /api/workers/{id}',
        'queues: GET /api/queues',
        'queue: GET /api/queues/{name}',
        'setQueue: PATCH /api/queues/{name}',
        'stats: GET /api/stats',
        'events: GET /api/events',
        'failures: GET /api/failures',
        'attention: GET /api/attention',
        'alerts: GET /api/alerts',
        'alert: GET /api/alerts/{id}',
        'silenceAlert: POST /api/alerts/{id}/silence',
        'unsilenceAlert: DELETE /api/alerts/{id}/silence',
        'alertRules: GET /api/alerts/rules',
        'createAlertRule: POST /api/alerts/rules',
        'changeAlertRule: PATCH /api/alerts/rules/{id}',
        'removeAlertRule: DELETE /api/alerts/rules/{id}',
        'alertChannels: GET /api/alerts/channels',
        'createAlertChannel: POST /api/alerts/channels',
        'changeAlertChannel: PATCH /api/alerts/channels/{id}',
        'removeAlertChannel: DELETE /api/alerts/channels/{id}',
        'testAlertChannel: POST /api/alerts/channels/{id}/test',
        'types: GET /api/types',
        'statsHistory: GET /api/stats/history',
        'login: POST /token',
        'beginSession: POST /api/session',
        'endSession: DELETE /api/session',
        'site: GET /api/site',
        'about: GET /api/about',
        'setFirstAdmin: POST /api/first-admin',
        'me: GET /api/me',
        'changeOwnPassword: POST /api/me/password',
        'users: GET /api/users',
        'createUser: POST /api/users',
        'user: GET /api/users/{name}',
        'changeUser: PATCH /api/users/{name}',
        'tokens: GET /api/tokens',
        'createToken: POST /api/tokens',
        'revokeToken: DELETE /api/tokens/{id}',
        'audit: GET /api/audit',
        'health: GET /health',
        'live: GET /livez',
        'ready: GET /readyz',
        'metrics: GET /metrics',
        'pullRegisterWorker: POST /register_worker/{worker_id}',
        'pullHeartbeat: PUT /heartbeat/{worker_id}',
        'pullAddTask: POST /add_task',
        'pullGetTask: GET /get_task/{worker_id}',
        'pullReport: POST /task_status',
        'pullStatus: GET /status',
        'pullCancel: POST /cancel_task/{task_id}',
        'pullUnregisterWorker: DELETE /unregister_worker/{worker_id}',
        'pullUnregister: DELETE /unregister/{worker_id}',
        'numberedSubmit: POST /tasks',
        'numberedList: GET /tasks',
        'numberedTask: GET /tasks/{id}',
        'numberedComplete: PUT /tasks/{id}/complete',
        'numberedDelete: DELETE /tasks/{id}',
        'rootWorkers: GET /workers',
        'rootWorker: GET /workers/{id}',
        'rootRemoveWorker: DELETE /workers/{id}',
        'arithmeticAdd: POST /add',
        'arithmeticMultiply: POST /multiply',
        'arithmeticUpperCase: POST /upper_case',
        'arithmeticStatus: GET /status/{task_id}',
      ].sort(),
    )
  })

  it('refers only to what it holds', async () => {
    const { document: told, text } = await document()
    const refs = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(match => match[1] ?? '')
    expect(refs.length).toBeGreaterThan(50)
    for (const ref of new Set(refs)) {
      const found = ref
        .replace(/^#\//, '')
        .split('/')
        .reduce<unknown>((at, key) => Reflect.get(Object(at), key), told)
      expect(found, ref).toBeTypeOf('object')
    }
    expect(text).not.toContain('"$id"')
    expect(text).not.toContain('x-refuses')
  })

  it('tells every refusal as a reusable response of problem+json', async () => {
    const { document: told } = await document()
    expect(Object.keys(told.components.responses).sort()).toEqual(Object.keys(problems).sort())
    const responses = told.paths['/api/tasks/{id}/cancel']?.post?.responses ?? {}
    expect(Object.keys(responses)).toEqual(
      expect.arrayContaining(['200', '400', '404', '409', '413', '415', '422', '500', '503']),
    )
    expect(responses['409']).toEqual({ $ref: '#/components/responses/task_finished' })
    expect(JSON.stringify(responses['422'])).toContain('application/problem+json')
  })

  it('tells how to log in, and which calls need no login', async () => {
    const { document: told } = await document()
    expect(Reflect.get(told.components, 'securitySchemes')).toMatchObject({
      login: { type: 'oauth2', flows: { password: { tokenUrl: '/token' } } },
      bearer: { type: 'http', scheme: 'bearer' },
    })
    expect(told.paths['/api/tasks']?.get).toMatchObject({ security: [{ login: [] }, { bearer: [] }] })
    expect(told.paths['/health']?.get).toMatchObject({ security: [] })
    expect(told.paths['/token']?.post?.requestBody).toMatchObject({
      content: { 'application/x-www-form-urlencoded': { schema: { $ref: '#/components/schemas/LoginForm' } } },
    })
  })

  it('tells bodies, queries and replies by the schemas that are enforced', async () => {
    const { document: told } = await document()
    const { schemas } = told.components
    expect(schemas.TaskSubmission).toMatchObject({ required: ['task_type'], additionalProperties: false })
    expect(told.paths['/api/tasks']?.post?.requestBody).toMatchObject({
      content: { 'application/json': { schema: { $ref: '#/components/schemas/TaskSubmission' } } },
    })
    const query = told.paths['/api/tasks']?.get?.parameters?.filter(parameter => parameter.in === 'query')
    expect(query?.map(parameter => parameter.name)).toEqual(
      expect.arrayContaining(['status', 'task_type', 'queue', 'worker_id', 'label', 'q', 'limit', 'cursor', 'offset']),
    )
    expect(told.paths['/api/tasks']?.post?.responses['201']).toMatchObject({
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Task' } } },
    })
  })

  it('has the calls of each dialect under a tag of its own, and a shared call under both', async () => {
    const { document: told } = await document()
    const tagged = Object.entries(told.paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, { tags }]) => tags.map(tag => ({ tag, call: `${method} ${path}` }))),
    )
    const under = (name: string) => tagged.filter(({ tag }) => tag === name).map(({ call }) => call)
    const ofA = ['get /tasks/{id}', 'post /tasks', 'post /token', 'put /tasks/{id}/complete']
    expect(under('A: advanced').sort()).toEqual(ofA)
    expect(under('B: RabbitMQ and Redis').sort()).toEqual(
      [
        'post /tasks',
        'get /tasks',
        'get /tasks/{id}',
        'delete /tasks/{id}',
        'get /workers',
        'get /workers/{id}',
        'delete /workers/{id}',
        'get /health',
      ].sort(),
    )
    expect(under('C: challenge').sort()).toEqual(
      [
        'post /api/tasks',
        'get /api/tasks',
        'get /api/tasks/{id}',
        'post /api/workers/register',
        'post /api/workers/{id}/heartbeat',
        'get /api/workers',
      ].sort(),
    )
    const ofD = ['get /status/{task_id}', 'post /add', 'post /multiply', 'post /upper_case']
    expect(under('D: arithmetic').sort()).toEqual(ofD)
    expect(under('E: pull scheduler')).toContain('get /status')
  })

  it('describes every member that a task really has', async () => {
    const { node, document: told } = await document()
    const task = await node.call('POST', '/api/tasks', { task_type: 'a' })
    const described = Object.keys(Reflect.get(Object(told.components.schemas.Task), 'properties'))
    expect(described.sort()).toEqual(Object.keys(task.body).sort())
  })
})

describe('/docs', () => {
  it('is a page that loads only from here, under a policy that allows nothing else', async () => {
    const { node } = await document()
    const page = await node.call('GET', '/docs')
    expect(page.status).toBe(200)
    expect(page.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'")
    const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(match => match[1] ?? '')
    expect(links.length).toBeGreaterThan(3)
    for (const link of links) {
      expect(link.startsWith('/docs/')).toBe(true)
      expect((await node.call('GET', link)).status, link).toBe(200)
    }
    expect(page.text).not.toMatch(/<script>|<style>|https?:/)
    expect((await node.call('GET', '/docs/json')).status).toBe(200)
    expect((await node.call('GET', '/docs/static/../../../package.json')).status).toBe(404)
    expect((await node.call('GET', '/docs/static/%2e%2e%2f%2e%2e%2fpackage.json')).status).toBeGreaterThanOrEqual(400)
  })
})
