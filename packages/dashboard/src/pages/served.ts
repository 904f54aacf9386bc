import type { Queue, Worker } from '@tasklane/protocol'

export function servants(queue: Queue, workers: readonly Worker[]): readonly Worker[] {
  return workers.filter(
    ({ status, queues }) =>
      status === 'active' && (queues.length === 0 || queues.includes('*') || queues.includes(queue.name)),
  )
}

/** Whether any worker that is alive takes tasks of this queue. */
export function isServed(queue: Queue, workers: readonly Worker[]): boolean {
  return servants(queue, workers).length > 0
}
