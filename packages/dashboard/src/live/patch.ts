import type { InfiniteData, QueryClient } from '@tanstack/react-query'
import type { Task, TaskGraph, TaskPage } from '@tasklane/protocol'
import type { TaskChange } from '../api/types.ts'

export type Changes = ReadonlyMap<string, TaskChange>

/** A row with what an event told of it; the same object where nothing is new, so that it is not drawn again. */
export function patchTask(task: Task, changes: Changes): Task {
  const change = changes.get(task.task_id)
  if (change === undefined) return task
  const next = {
    ...task,
    status: change.status ?? task.status,
    worker_id: change.worker_id === undefined ? task.worker_id : change.worker_id,
    attempt: change.attempt ?? task.attempt,
    progress: change.progress === undefined ? task.progress : change.progress,
  }
  const isAlike =
    next.status === task.status &&
    next.worker_id === task.worker_id &&
    next.attempt === task.attempt &&
    next.progress?.percent === task.progress?.percent &&
    next.progress?.message === task.progress?.message
  if (isAlike) return task
  const nowText = new Date().toISOString()
  // The event says no times; the page shows its own clock's until the next fetch says it exactly.
  if (next.status === 'running' && task.status !== 'running')
    return { ...next, started_at: nowText, completed_at: null }
  const isEnded = next.status === 'completed' || next.status === 'failed' || next.status === 'cancelled'
  return isEnded && task.completed_at === null ? { ...next, completed_at: nowText } : next
}

export function patchPage(page: TaskPage, changes: Changes): TaskPage {
  const tasks = patchAll(page.tasks, task => patchTask(task, changes))
  return tasks === page.tasks ? page : { ...page, tasks }
}

function patchAll<Item>(items: readonly Item[], patch: (item: Item) => Item): readonly Item[] {
  let isChanged = false
  const next = items.map(item => {
    const patched = patch(item)
    if (patched !== item) isChanged = true
    return patched
  })
  return isChanged ? next : items
}

function patchGraph(graph: TaskGraph, changes: Changes): TaskGraph {
  const nodes = patchAll(graph.nodes, node => {
    const change = changes.get(node.task_id)
    if (change?.status === undefined || change.status === node.status) return node
    const at = new Date().toISOString()
    return {
      ...node,
      status: change.status,
      started_at: change.status === 'running' ? at : node.started_at,
      completed_at: ['completed', 'failed', 'cancelled'].includes(change.status) ? at : null,
    }
  })
  return nodes === graph.nodes ? graph : { ...graph, nodes }
}

/** Puts changes into all that is shown. @returns the ids of tasks whose own page is open and has a new state */
export function patchCache(client: QueryClient, changes: Changes): readonly string[] {
  const active = client.getQueryCache().findAll({ type: 'active' })
  const ended: string[] = []
  for (const query of active) {
    const [kind, second, third] = query.queryKey
    if (query.state.data === undefined) continue
    // A patch is no reading: what is read again after a while stays as old as it was, or in a flood it never would be.
    const age = { updatedAt: query.state.dataUpdatedAt }
    // Each key stands for one shape; api/queries.ts makes them.
    if (kind === 'tasks' && second === 'list') {
      client.setQueryData(query.queryKey, (old: InfiniteData<TaskPage> | undefined) => {
        if (old === undefined) return old
        const pages = patchAll(old.pages, page => patchPage(page, changes))
        return pages === old.pages ? old : { ...old, pages: [...pages] }
      })
    } else if (kind === 'tasks') {
      client.setQueryData(query.queryKey, (old: TaskPage | undefined) => old && patchPage(old, changes), age)
    } else if (kind === 'task' && third === 'graph') {
      client.setQueryData(query.queryKey, (old: TaskGraph | undefined) => old && patchGraph(old, changes), age)
    } else if (kind === 'task' && third === undefined && typeof second === 'string') {
      const before = query.state.data as Task
      const after = patchTask(before, changes)
      if (after === before) continue
      client.setQueryData(query.queryKey, after)
      if (after.status !== before.status || after.attempt !== before.attempt) ended.push(second)
    }
  }
  return ended
}
