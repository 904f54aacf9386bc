import type { ParentOutcome, ParentsPage, SparseClaimedTask } from '@tasklane/protocol'
import { TasklaneError } from '../errors.ts'
import type { Link } from './link.ts'

type Parents = Readonly<Record<string, ParentOutcome>>

/** The parents' results could not be had; the task goes back, since its handler has not begun. */
export class ParentsUnavailableError extends TasklaneError {
  override readonly name = 'ParentsUnavailableError'
}

const none: Parents = Object.freeze({})
/** 10,000 parents at more than one a page never need more pages than this. */
const pagesMax = 10_000

/** Present in the claim, or, where they were above 1 MiB together, read page by page. Null when they are there already. */
export function parentsInClaim(task: SparseClaimedTask): Parents | null {
  return task.parents_url === undefined ? (task.parents ?? none) : null
}

/** @throws ParentsUnavailableError · the signal's reason */
export async function readParents(link: Link, task: SparseClaimedTask, signal: AbortSignal): Promise<Parents> {
  // Without a prototype: `__proto__` is an id like any other, and would be lost in a plain object.
  const parents: Record<string, ParentOutcome> = Object.create(null)
  let next = task.parents_url ?? null
  for (let page = 0; next !== null; page += 1) {
    // Only a path of the scheduler itself: the request carries the worker's token.
    if (!next.startsWith('/') || page === pagesMax) {
      throw new ParentsUnavailableError(
        `The results of the parents of task ${task.task_id} cannot be read: '${next}' is no path of the scheduler.`,
      )
    }
    const body = await readPage(link, task, next, signal)
    Object.assign(parents, body.parents)
    next = body.next
  }
  return parents
}

async function readPage(link: Link, task: SparseClaimedTask, path: string, signal: AbortSignal): Promise<ParentsPage> {
  try {
    // The contract of the call.
    return (await link.persist({ method: 'GET', path, isRepeatable: true, signal })).body as ParentsPage
  } catch (error) {
    signal.throwIfAborted()
    const why = error instanceof Error ? error.message : String(error)
    throw new ParentsUnavailableError(`The results of the parents of task ${task.task_id} cannot be read. ${why}`)
  }
}
