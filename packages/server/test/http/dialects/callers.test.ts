import { describe, expect, it } from 'vitest'
import { bearer, type Guarded, startGuarded } from '../auth/guarded.ts'

/** The dialects behind a login, as a client of dialect A uses it. */
async function startWith(...names: readonly string[]): Promise<{ readonly node: Guarded; as: Record<string, As> }> {
  const node = await startGuarded()
  const as: Record<string, As> = {}
  for (const name of names) {
    await node.user(name, name === 'root' ? 'admin' : 'submitter')
    const headers = bearer(await node.bearerOf(name))
    as[name] = (method, url, body) => node.call(method, url, body, headers)
  }
  return { node, as }
}
type As = (...call: [...Parameters<Guarded['call']>]) => ReturnType<Guarded['call']>

describe('a task of dialect A', () => {
  it('has the number of the user whose bearer submitted it', async () => {
    const { node, as } = await startWith('root', 'ada', 'grace')
    expect((await as.grace?.('POST', '/tasks', { name: 'a', description: 'b' }))?.body).toMatchObject({
      id: 1,
      user_id: 3,
      submitted_by: 'grace',
    })
    await as.ada?.('POST', '/tasks', { name: 'c', description: 'd' })
    const robot = bearer(await node.token('robot', 'submitter'))
    expect((await node.call('POST', '/tasks', { name: 'e' }, robot)).body).toMatchObject({ id: 3, user_id: null })
    const { tasks } = Object((await as.root?.('GET', '/tasks'))?.body)
    expect(tasks.map((task: { user_id: number | null }) => task.user_id)).toEqual([null, 2, 3])
  })

  it('is somebody else’s affair: unknown by its number as by its id, and no word of it', async () => {
    const { as } = await startWith('ada', 'grace')
    const { body } = Object(await as.ada?.('POST', '/tasks', { name: 'secret', description: 'plan' }))
    const id = String(body.task_id)
    for (const name of ['1', id]) {
      for (const [method, url] of [
        ['GET', `/tasks/${name}`],
        ['PUT', `/tasks/${name}/complete`],
        ['DELETE', `/tasks/${name}`],
      ] as const) {
        const answer = await as.grace?.(method, url)
        expect(answer?.status, `${method} ${url}`).toBe(404)
        expect(answer?.text).not.toMatch(/secret|plan/)
        if (name === '1') expect(answer?.text).not.toContain(id)
      }
    }
    expect((await as.grace?.('GET', '/tasks'))?.body).toMatchObject({ tasks: [] })
    expect((await as.grace?.('GET', `/status/${id}`))?.body).toEqual({ task_id: id, status: 'PENDING', result: null })
    expect((await as.ada?.('GET', '/tasks/1'))?.body).toMatchObject({ name: 'secret', status: 'pending' })
  })

  it('is told in the audit log by its id, whatever it was called by', async () => {
    const { as } = await startWith('root')
    for (const name of ['a', 'b']) await as.root?.('POST', '/tasks', { name, task_id: name })
    await as.root?.('PUT', '/tasks/1/complete')
    await as.root?.('DELETE', '/tasks/2')
    await as.root?.('DELETE', '/tasks/2')
    const { entries = [] } = Object((await as.root?.('GET', '/api/audit'))?.body)
    const told = entries.map((entry: Record<string, unknown>) => [
      entry.actor,
      entry.action,
      entry.subject,
      entry.outcome,
    ])
    expect(told.filter(([, action]: string[]) => action?.startsWith('task.'))).toEqual([
      ['root', 'task.delete', 'b', 'ok'],
      ['root', 'task.cancel', 'b', 'ok'],
      ['root', 'task.complete', 'a', 'ok'],
    ])
  })

  it('is moved by its submitter and by operators, and read by viewers', async () => {
    const { node, as } = await startWith('ada')
    const roles = { viewer: 403, worker: 403, operator: 200 } as const
    for (const [role, status] of Object.entries(roles)) {
      await node.user(role, role as keyof typeof roles) // The names of the roles.
      const headers = bearer(await node.bearerOf(role))
      await as.ada?.('POST', '/tasks', { name: role, task_id: role })
      expect((await node.call('GET', `/tasks/${role}`, undefined, headers)).status).toBe(role === 'worker' ? 403 : 200)
      expect((await node.call('PUT', `/tasks/${role}/complete`, undefined, headers)).status, role).toBe(status)
    }
    expect((await as.ada?.('DELETE', '/tasks/viewer'))?.body).toMatchObject({ status: 'cancelled' })
  })

  it.each([
    ['POST', '/tasks', { name: 'a' }],
    ['GET', '/tasks/1', undefined],
    ['PUT', '/tasks/1/complete', undefined],
    ['POST', '/add', { x: 1, y: 2 }],
    ['GET', '/status/a', undefined],
    ['GET', '/workers', undefined],
  ] as const)('is not for callers without a login: %s %s', async (method, url, body) => {
    const node = await startGuarded()
    const answer = await node.call(method, url, body)
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/)
  })
})
