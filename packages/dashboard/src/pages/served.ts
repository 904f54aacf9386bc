import type { Queue, Worker } from '@tasklane/protocol'

export function servants(queue: Queue, workers: readonly Worker[]): readonly Worker[] {
  return workers.filter(
    ({ status, queues }) =>
      status === 'active' && (queues.length === 0 || queues.includes('*') || queues.includes(queue.name)),
  )
}
