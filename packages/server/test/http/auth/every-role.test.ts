import { type Role, roles } from '@tasklane/protocol'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Answer } from '../harness.ts'
import { bearer, type Guarded, startGuarded } from './guarded.ts'

/**
 * Every call of the document, by every role and by nobody, on one's own things and on those of others. The calls come
 * from the document that a node serves, so that a new one is judged here without being named; the table of roles is
 * written down once more, so that a change of the rules shows.
 */
const readers: readonly Role[] = ['viewer', 'submitter', 'operator', 'admin']
const allowed: Readonly<Record<string, readonly Role[]>> = {
  public: roles,
  self: roles,
  'tasks.read': readers,
  'parents.read': roles,
  'tasks.submit': ['submitter', 'operator', 'admin'],
  'tasks.change': ['submitter', 'operator', 'admin'],
  'workers.read': ['viewer', 'operator', 'admin'],
  'workers.change': ['operator', 'admin'],
  'workers.serve': ['operator', 'worker', 'admin'],
  'queues.read': ['viewer', 'operator', 'admin'],
  'queues.change': ['operator', 'admin'],
  'stats.read': readers,
  'overview.read': ['viewer', 'operator', 'admin'],
  'alerts.read': ['viewer', 'operator', 'admin'],
  'alerts.silence': ['operator', 'admin'],
  'alerts.manage': ['admin'],
  accounts: ['admin'],
}

interface Call {
  readonly operationId: string
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'PUT'
  readonly path: string
  readonly access: string
  readonly audit: string | null
  readonly security: readonly object[]
  /** Never ends by itself. */
  readonly isStream: boolean
}

/** What a call needs beside its path to be carried out; `{}` for all others. */
const bodies: Readonly<Record<string, object>> = {
  reprioritise: { priority: 6 },
  settle: { results: [{ task_id: 'some-task', epoch: 1, outcome: 'completed' }] },
  appendLogs: { logs: [{ task_id: 'some-task', epoch: 1, message: 'a line' }] },
}

async function callsOf(node: Guarded): Promise<readonly Call[]> {
  const { paths } = (await node.call('GET', '/openapi.json')).body as {
    paths: Record<string, Record<string, Record<string, unknown>>>
  }
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      operationId: String(operation.operationId),
      method: method.toUpperCase() as Call['method'],
      path,
      access: String(operation['x-access']),
      audit: operation['x-audit'] === undefined ? null : String(operation['x-audit']),
      security: Array.isArray(operation.security) ? operation.security : [],
      isStream: JSON.stringify(operation.responses).includes('text/event-stream'),
    })),
  )
}

const withNames = (path: string, name: string): string => path.replaceAll(/\{\w+\}/g, name)

function send(node: Guarded, call: Call, name: string, headers: Record<string, string>): Promise<Answer> {
  const body = call.method === 'GET' ? undefined : (bodies[call.operationId] ?? {})
  return node.call(call.method, withNames(call.path, name), body, headers)
}

let node: Guarded
let calls: readonly Call[]
const tokens = new Map<Role, string>()
const headersOf = (role: Role): Record<string, string> => bearer(tokens.get(role) ?? '')

beforeAll(async () => {
  node = await startGuarded({ settings: { metricsEnabled: true }, keep: true })
  calls = await callsOf(node)
  for (const role of roles) tokens.set(role, await node.token(`the-${role}`, role))
  return () => node.stop()
})

describe('the document', () => {
  it('tells of each call who may make it', () => {
    expect(calls.length).toBeGreaterThan(40)
    for (const call of calls) {
      expect(Object.keys(allowed), `${call.method} ${call.path}`).toContain(call.access)
      expect(call.security.length > 0, `${call.method} ${call.path}`).toBe(call.access !== 'public')
    }
  })

  it('names each call that changes something for the audit log, where no history of a task has it', () => {
    const unaudited = ['tasks.submit', 'workers.serve', 'public']
    for (const call of calls) {
      if (call.method === 'GET' || unaudited.includes(call.access)) continue
      expect(call.audit, `${call.method} ${call.path}`).toMatch(/^[a-z]+(\.[a-z_]+)?$/)
    }
  })
})

describe('every call', () => {
  it('is refused to who is not logged in, unless it is public', async () => {
    for (const call of calls) {
      if (call.access === 'public') continue
      for (const headers of [{}, bearer('tl_nothing'), bearer(''), { authorization: 'Basic YTpi' }]) {
        const answer = await send(node, call, 'nobody', headers)
        expect(answer.status, `${call.method} ${call.path}`).toBe(401)
        expect(answer.body.code).toBe('unauthenticated')
        expect(answer.headers['www-authenticate']).toMatch(/^Bearer/)
      }
      // Some calls, such as one that takes a task, have no HEAD.
      if (call.method === 'GET')
        expect([401, 405]).toContain((await node.call('HEAD', withNames(call.path, 'x'))).status)
    }
  })

  it('passes over credentials where it is public', async () => {
    for (const call of calls) {
      if (call.access !== 'public') continue
      const bare = await send(node, call, 'nobody', {})
      const withBadToken = await send(node, call, 'nobody', bearer('nonsense'))
      expect(withBadToken.status, call.path).toBe(bare.status)
      expect(bare.status, call.path).not.toBe(401)
    }
  })

  it.each(roles)('is allowed or refused to a %s by the table of roles', async role => {
    for (const call of calls) {
      const isAllowed = allowed[call.access]?.includes(role) === true
      if (isAllowed && call.isStream) continue
      const answer = await send(node, call, 'nobody', headersOf(role))
      const what = `${call.method} ${call.path}: ${answer.text.slice(0, 200)}`
      expect(answer.status, what).not.toBe(401)
      // Its metrics are of all tasks.
      const isOthers = call.operationId === 'metrics' && role === 'submitter'
      if (!isAllowed || isOthers) {
        expect(answer.status, what).toBe(403)
        expect(answer.body.code, what).toBe('forbidden')
        expect(answer.body.detail, what).toMatch(
          isOthers ? /takes the role/ : new RegExp(`^The role ${role} may not .+; that takes the role .+\\.$`),
        )
      } else if (call.access !== 'public') expect(answer.status, what).not.toBe(403)
    }
  })
})

describe("a submitter, and somebody else's task", () => {
  it('meets the same answer as for a task that never was, in every call; its own it meets', async () => {
    const one = await node.token('one', 'submitter')
    const other = await node.token('other', 'submitter')
    const ofTasks = calls.filter(
      ({ path, access }) => /tasks?.*\{|status.*\{/.test(path) && /^(?:tasks|parents)\./.test(access),
    )
    expect(ofTasks.length).toBeGreaterThan(10)
    for (const call of ofTasks) {
      const what = `${call.method} ${call.path}`
      const submit = async (token: string): Promise<string> => {
        const made = await node.call('POST', '/api/tasks', { task_type: 'a' }, bearer(token))
        return String(made.body.task_id)
      }
      const [own, foreign] = [await submit(one), await submit(other)]
      const never = own.replace(/.{8}$/, '00000000')
      const neutral = ({ status, text }: Answer, id: string): string =>
        `${status} ${text.replaceAll(id, 'ID').replaceAll(/"request_id":"[^"]+"/g, '')}`
      const ownAnswer = await send(node, call, own, bearer(one))
      expect(ownAnswer.status, `${what}: ${ownAnswer.text}`).not.toBe(404)
      expect(ownAnswer.status, `${what}: ${ownAnswer.text}; it may need a body`).not.toBe(422)
      const foreignAnswer = await send(node, call, foreign, bearer(one))
      const neverAnswer = await send(node, call, never, bearer(one))
      expect(neutral(foreignAnswer, foreign), what).toBe(neutral(neverAnswer, never))
      // Nothing happened to it.
      expect((await node.call('GET', `/api/tasks/${foreign}`, undefined, bearer(other))).body).toMatchObject({
        status: 'pending',
        priority: 5,
      })
    }
  })
})

describe('a worker whose token is for one queue, and another worker', () => {
  it('meets the same answer as for a worker that never was, in every call; its own it meets', async () => {
    const mine = await node.token('of-mine', 'worker', { queues: ['mine'] })
    const free = await node.token('free', 'worker')
    const register = (id: string, queue: string, token: string) =>
      node.call('POST', '/api/workers/register', { worker_id: id, capabilities: ['*'], queues: [queue] }, bearer(token))
    const ofWorkers = calls.filter(({ path, access }) => /\/workers\/\{/.test(path) && access === 'workers.serve')
    expect(ofWorkers.length).toBeGreaterThan(4)
    for (const call of ofWorkers) {
      const what = `${call.method} ${call.path}`
      await register('own-worker', 'mine', mine)
      await register('foreign-worker', 'theirs', free)
      const neutral = ({ status, text }: Answer, id: string): string =>
        `${status} ${text.replaceAll(id, 'ID').replaceAll(/"request_id":"[^"]+"/g, '')}`
      const foreign = await send(node, call, 'foreign-worker', bearer(mine))
      const never = await send(node, call, 'never-a-worker', bearer(mine))
      expect(neutral(foreign, 'foreign-worker'), what).toBe(neutral(never, 'never-a-worker'))
      const own = await send(node, call, 'own-worker', bearer(mine))
      expect(own.status, `${what}: ${own.text}`).toBeLessThan(300)
      const { body } = await node.call('GET', '/api/workers/foreign-worker', undefined, headersOf('admin'))
      expect(body).toMatchObject({ status: 'active', queues: ['theirs'] })
    }
  })
})
