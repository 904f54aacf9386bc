import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findGraphFault, type GraphTask } from './graph.ts'

const node = (id: string, ...dependencies: readonly string[]): GraphTask => ({ id, dependencies })

describe('finds no fault', () => {
  it('in a diamond, a forward reference, a parent named twice, or parents of an earlier batch', () => {
    expect(findGraphFault([node('d', 'b', 'c'), node('b', 'a'), node('c', 'a', 'a'), node('a', 'earlier')])).toBeNull()
    expect(findGraphFault([])).toBeNull()
  })

  it('in a chain of 100,000, whichever end comes first', () => {
    const chain = Array.from({ length: 100_000 }, (_, at) => node(`t${at}`, ...(at === 0 ? [] : [`t${at - 1}`])))
    expect(findGraphFault(chain)).toBeNull()
    expect(findGraphFault(chain.toReversed())).toBeNull()
  })
})

describe('names', () => {
  it('an id that stands twice, at its second place', () => {
    expect(findGraphFault([node('a'), node('b'), node('a')])).toEqual({ kind: 'duplicate_id', index: 2, id: 'a' })
  })

  it('a task that depends on itself', () => {
    expect(findGraphFault([node('a'), node('b', 'a', 'b')])).toEqual({ kind: 'self', index: 1, id: 'b' })
  })

  it('a cycle with its path, parents before children, without what only hangs below it', () => {
    const tasks = [node('below', 'c'), node('a', 'c'), node('b', 'a'), node('c', 'b', 'free'), node('free')]
    const fault = findGraphFault(tasks)
    expect(fault).toMatchObject({ kind: 'cycle' })
    expectCycle(tasks, fault?.kind === 'cycle' ? fault.path : [])
  })

  it('a cycle of 100,000', () => {
    const ring = Array.from({ length: 100_000 }, (_, at) => node(`t${at}`, `t${(at + 99_999) % 100_000}`))
    const fault = findGraphFault(ring)
    expect(fault?.kind === 'cycle' && fault.path.length).toBe(100_001)
  })
})

it('agrees with a search of every walk, on small random graphs', () => {
  const edges = fc.array(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 5 })), { maxLength: 12 })
  fc.assert(
    fc.property(edges, pairs => {
      const tasks = Array.from({ length: 6 }, (_, at) =>
        node(
          `${at}`,
          ...pairs.filter(([child, parent]) => child === at && parent !== at).map(([, parent]) => `${parent}`),
        ),
      )
      const fault = findGraphFault(tasks)
      expect(fault !== null).toBe(tasks.some(task => reaches(tasks, task.id, task.id, 6)))
      if (fault?.kind === 'cycle') expectCycle(tasks, fault.path)
    }),
  )
})

function expectCycle(tasks: readonly GraphTask[], path: readonly string[]): void {
  expect(path.length).toBeGreaterThan(2)
  expect(path.at(0)).toBe(path.at(-1))
  expect(new Set(path).size).toBe(path.length - 1)
  for (const [at, parent] of path.slice(0, -1).entries()) {
    const child = tasks.find(task => task.id === path[at + 1])
    expect(child?.dependencies).toContain(parent)
  }
}

function reaches(tasks: readonly GraphTask[], from: string, goal: string, steps: number): boolean {
  if (steps === 0) return false
  const parents = tasks.find(task => task.id === from)?.dependencies ?? []
  return parents.some(parent => parent === goal || reaches(tasks, parent, goal, steps - 1))
}
