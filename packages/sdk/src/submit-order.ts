import type { EncodedSubmission } from './submission.ts'

/**
 * Parents before their children, otherwise in the order given, so that a list that is cut into several requests never
 * names a parent that comes in a later one. Members of a cycle keep their order at the end; the scheduler names it.
 *
 * @returns indexes into `submissions`
 */
export function orderParentsFirst(submissions: readonly EncodedSubmission[]): readonly number[] {
  const placeOf = new Map<string, number>()
  for (const [at, { taskId }] of submissions.entries()) if (taskId !== null) placeOf.set(taskId, at)
  const children = new Map<number, number[]>()
  const waitsFor = submissions.map((submission, child) => {
    const parents = new Set(submission.parents.map(id => placeOf.get(id)).filter(at => at !== undefined))
    for (const parent of parents) {
      const siblings = children.get(parent)
      if (siblings === undefined) children.set(parent, [child])
      else siblings.push(child)
    }
    return parents.size
  })
  const order = [...waitsFor.keys()].filter(at => waitsFor[at] === 0)
  // The list grows while it is walked: a child joins when its last parent has been placed.
  for (const parent of order) {
    for (const child of children.get(parent) ?? []) {
      const left = (waitsFor[child] ?? 0) - 1
      waitsFor[child] = left
      if (left === 0) order.push(child)
    }
  }
  if (order.length === submissions.length) return order
  const placed = new Set(order)
  return [...order, ...submissions.keys()].filter((at, place) => place < order.length || !placed.has(at))
}
