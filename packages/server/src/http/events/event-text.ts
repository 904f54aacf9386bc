import type { TaskChange } from '../../engine/engine.ts'
import type { Gathered } from './gathering.ts'

export const topics = Object.freeze(['tasks', 'workers', 'queues', 'alerts', 'stats'] as const)

export type Topic = (typeof topics)[number]

/** One event of the stream. Without an id, a reader that comes back does not ask to go on from it. */
export function eventText(event: string, data: unknown, id: string | null = null): string {
  return `${id === null ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

export const heartbeatText = ': still here\n\n'

/** What has changed, in the words of the API; null where there is nothing to say of this topic. */
export function dataOf(topic: Topic, { tasks, ...named }: Gathered): object | null {
  if (topic === 'stats') return null
  const { changed, more } = topic === 'tasks' ? { ...tasks, changed: tasks.changed.map(toWire) } : named[topic]
  return changed.length + more === 0 ? null : { changed, more }
}

function toWire({ id, type, queue, state, workerId, attempt, progress }: TaskChange): object {
  return {
    task_id: id,
    ...(type === undefined ? {} : { task_type: type }),
    ...(queue === undefined ? {} : { queue }),
    ...(state === undefined ? {} : { status: state }),
    ...(workerId === undefined ? {} : { worker_id: workerId }),
    ...(attempt === undefined ? {} : { attempt }),
    ...(progress === undefined ? {} : { progress: JSON.parse(progress) }),
  }
}
