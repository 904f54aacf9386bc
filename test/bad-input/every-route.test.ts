import { problems } from '@tasklane/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addressClasses } from './classes/addresses.ts'
import { type BadCase, type InputClass, requestOf } from './classes/input-class.ts'
import { shapeClasses } from './classes/shapes.ts'
import { valueClasses } from './classes/values.ts'
import type { Reply } from './support/client.ts'
import { type Digest, readDigest } from './support/digest.ts'
import { type Route, readDocument } from './support/document.ts'
import { createWorld, type Example, examples, type World } from './support/examples.ts'
import { codeOf, expectProblem } from './support/expect-answer.ts'
import { describedNames, fieldsOf, nameOf } from './support/fields.ts'
import { type LiveNode, startNode } from './support/node.ts'

const classes: readonly InputClass[] = [...shapeClasses, ...valueClasses, ...addressClasses]

// The calls are those of the document that a node serves, so that a new one is covered, or fails for want of an example.
const plans = await planOfANode()

describe.each(plans)('$route.operationId ($route.method $route.path)', ({ route, applicable }) => {
  let node: LiveNode
  let world: World
  // A refusal changes nothing, so the examples stay good until one is served.
  let ready: readonly Example[] | null = null
  beforeAll(async () => {
    node = await startNode()
    world = createWorld(node)
  })
  afterAll(() => node.close())

  it('serves its valid examples, which name every field and parameter', async () => {
    const made = await examplesOf(route, world)
    const named = made.flatMap(example => fieldsOf(route.body ?? {}, [example]).map(field => nameOf(field.path)))
    const described = made.flatMap(example => describedNames(route.body ?? {}, example.body))
    expect(described.filter(name => !named.includes(name))).toEqual([])
    const parameters = made.flatMap(example => Object.keys(example.query ?? {}))
    expect(route.query.map(({ name }) => name).filter(name => !parameters.includes(name))).toEqual([])
    for (const example of made) {
      const reply = await node.send(requestOf(route, example))
      expect(reply.status, reply.text).toBeLessThan(300)
      expect([...route.replies.keys()]).toContain(reply.status)
    }
  })

  it.each(applicable)('$name', async ({ cases }) => {
    ready ??= await examplesOf(route, world)
    let made = cases(route, ready)
    let before = await readDigest(node)
    const count = made.length
    for (let at = 0; at < count; at += 1) {
      const bad = made[at]
      if (bad === undefined) throw new Error('The class made fewer cases from fresh examples.')
      const isServed = expectAnswer(bad, await node.send(bad.request()), route)
      await expectCanary(node, bad)
      // A read changes nothing even where it is served.
      const mayWrite = isServed && (route.method !== 'GET' || route.operationId === 'pullGetTask')
      // One look covers all since the last one: none of it may have left a trace.
      if (!mayWrite && at + 1 < count) continue
      const after = await readDigest(node)
      expectWritten(bad, mayWrite ? rowsOf(route, bad) : null, before, after)
      before = after
      if (!mayWrite) continue
      ready = await examplesOf(route, world)
      made = cases(route, ready)
      before = await readDigest(node)
    }
  })
})

/** @returns whether it was served, which must be what the case says */
function expectAnswer({ name, expected }: BadCase, reply: Reply, route: Route): boolean {
  if (reply.status < 300 && expected.isServed === true) {
    expect([...route.replies.keys()], name).toContain(reply.status)
    return true
  }
  expect(expected.codes, `${name}: ${reply.status} ${reply.text.slice(0, 300)}`).toContain(codeOf(reply))
  const code = expected.codes.find(each => each === codeOf(reply))
  expect(reply.status, name).toBe(code === undefined ? 0 : problems[code].status)
  expectProblem(reply, name)
  expect(reply.headers, name).not.toHaveProperty('x-evil')
  return false
}

/** @param rows tasks that a served request makes or removes, or null where nothing at all may change */
function expectWritten({ name }: BadCase, rows: number | null, before: Digest, after: Digest): void {
  if (rows === null) expect(after.text, name).toBe(before.text)
  else expect(after.tasks - before.tasks, name).toBe(rows)
  // Nothing that was sent may have reached what all objects share.
  expect(Reflect.get({}, 'polluted'), name).toBeUndefined()
}

const oneTaskEach: ReadonlySet<string> = new Set([
  'submit',
  'pullAddTask',
  'numberedSubmit',
  'arithmeticAdd',
  'arithmeticMultiply',
  'arithmeticUpperCase',
])

function rowsOf({ operationId }: Route, { request }: BadCase): number {
  if (oneTaskEach.has(operationId)) return 1
  if (operationId === 'remove') return -1
  if (operationId !== 'submitMany') return 0
  return Object(JSON.parse(String(request().body))).tasks.length
}

/** Goes all the way through the store and writes nothing. */
async function expectCanary(node: LiveNode, { name }: BadCase): Promise<void> {
  const results = [{ task_id: 'canary', epoch: 1, outcome: 'completed' }]
  const reply = await node.post('/api/workers/canary/settle', { results })
  expect(reply.body, `after ${name}: ${reply.text}`).toEqual({ results: [{ task_id: 'canary', verdict: 'unknown' }] })
}

async function examplesOf(route: Route, world: World): Promise<readonly Example[]> {
  const maker = examples[route.operationId]
  if (maker === undefined) throw new Error(`Add a valid request for '${route.operationId}' to support/examples.ts.`)
  return maker(world)
}

/** The calls of the document, each with the classes that have a case for it. */
async function planOfANode() {
  const node = await startNode()
  try {
    const world = createWorld(node)
    const planned: { route: Route; applicable: readonly InputClass[] }[] = []
    for (const route of (await readDocument(node)).routes) {
      const made = await examplesOf(route, world)
      planned.push({ route, applicable: classes.filter(({ cases }) => cases(route, made).length > 0) })
    }
    return planned
  } finally {
    await node.close()
  }
}
