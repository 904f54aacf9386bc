import { taskStates } from '@tasklane/protocol'
import type { LiveNode } from '../support/node.ts'

/** What the node's own accounts disagree about, or null: totals, lists and queues are told from different places. */
export async function findInconsistency(node: Pick<LiveNode, 'get'>): Promise<string | null> {
  const stats = Object((await node.get('/api/stats')).body)
  const listed = new Set<string>()
  for (const state of taskStates) {
    const ids = await idsOf(node, `status=${state}`)
    if (ids.length !== stats.tasks[state])
      return `${ids.length} tasks are listed as ${state}, ${stats.tasks[state]} counted`
    for (const id of ids) listed.add(id)
  }
  if (listed.size !== stats.total) return `${listed.size} tasks are listed by state, ${stats.total} counted in all`
  const all = await idsOf(node, '')
  if (all.length !== listed.size) return `${all.length} tasks are listed in all, ${listed.size} by state`
  const queues: readonly { readonly counts: Readonly<Record<string, number>> }[] = Object(
    (await node.get('/api/queues')).body,
  ).queues
  const inQueues = queues.flatMap(({ counts }) => Object.values(counts)).reduce((sum, count) => sum + count, 0)
  return inQueues === stats.total ? null : `the queues hold ${inQueues} tasks, ${stats.total} are counted in all`
}

async function idsOf(node: Pick<LiveNode, 'get'>, filter: string): Promise<readonly string[]> {
  const ids: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: { tasks: { task_id: string }[]; next_cursor: string | null } = Object(
      (await node.get(`/api/tasks?limit=500&${filter}${cursor === '' ? '' : `&cursor=${cursor}`}`)).body,
    )
    for (const task of page.tasks) ids.push(task.task_id)
    cursor = page.next_cursor
  }
  return ids
}
