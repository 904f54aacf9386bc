import type { BulkReply } from '@tasklane/protocol'
import { afterChange } from '../core/problem.ts'
import type { TaskId } from '../core/task.ts'
import type { Clock } from '../ports/clock.ts'
import type { Moved, Store, TaskFilter } from '../ports/store.ts'
import type { BulkAsk } from './engine.ts'

/** One page is one transaction: other callers have their turn between two pages. */
const pageMax = 500

/**
 * One verb over many tasks, in pages. A task that changes between the look and the act is told by its own verdict, as
 * everywhere. Tasks submitted after the call began are not touched: the walk goes from the newest down.
 */
export async function runBulk(
  store: Store,
  clock: Clock,
  ask: BulkAsk,
  onMoved: (moved: Moved<string>) => void,
): Promise<BulkReply> {
  const verdicts: Record<string, number> = {}
  let matched = 0
  try {
    for await (const ids of pagesOf(store, ask)) {
      matched += ids.length
      if (ask.isDryRun) continue
      for (const verdict of await act(store, ask, ids, onMoved)) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1
      // A store may answer without ever yielding.
      await new Promise<void>(resolve => clock.soon(resolve))
    }
  } catch (error) {
    throw Object.keys(verdicts).length === 0 ? error : afterChange(error)
  }
  return { action: ask.action, dry_run: ask.isDryRun, matched, verdicts }
}

async function* pagesOf(store: Store, ask: BulkAsk): AsyncGenerator<readonly TaskId[]> {
  if ('ids' in ask.target) {
    const ids = [...new Set(ask.target.ids)]
    for (let at = 0; at < ids.length; at += pageMax) yield ids.slice(at, at + pageMax)
    return
  }
  const newestFirst = walk(store, ask.target.filter)
  if (ask.action !== 'retry') return yield* newestFirst
  // Parents are older than their children. Retried first they are unfinished again, and the children wait for them.
  const pages: (readonly TaskId[])[] = []
  for await (const page of newestFirst) pages.push(page)
  for (const page of pages.reverse()) yield page.toReversed()
}

async function* walk(store: Store, filter: TaskFilter): AsyncGenerator<readonly TaskId[]> {
  let before: number | null = null
  for (;;) {
    const page: readonly { readonly id: TaskId; readonly number: number }[] = await store.taskIds(filter, {
      limit: pageMax,
      before,
      offset: 0,
    })
    if (page.length === 0) return
    before = page.at(-1)?.number ?? null
    yield page.map(task => task.id)
  }
}

async function act(
  store: Store,
  ask: BulkAsk,
  ids: readonly TaskId[],
  onMoved: (moved: Moved<string>) => void,
): Promise<readonly string[]> {
  const moved = await move(store, ask, ids)
  onMoved(moved)
  return moved.verdicts
}

async function move(store: Store, ask: BulkAsk, ids: readonly TaskId[]): Promise<Moved<string>> {
  switch (ask.action) {
    case 'cancel':
      return store.cancel(ids, ask.reason)
    case 'retry':
      return store.requeue(ids, ask.withDependents)
    case 'reprioritise': {
      const { priority } = ask
      if (priority === null) throw new Error('Assertion failed: the door asks for a priority')
      return store.reprioritise(ids.map(id => ({ id, priority })))
    }
    case 'delete':
      return { verdicts: await store.remove(ids), changes: { ready: [], ended: [], hasLeftovers: false } }
  }
}
