import type { Pause, QueueSettings } from '../../core/pause.ts'
import type { World } from './world.ts'

/** Null where the queue is not paused, or is not there. */
export function pauseOf(world: World, queue: string): Pause | null {
  return world.queues.get(queue) ?? null
}

export function setPause(world: World, queue: string, settings: QueueSettings): void {
  const { isPaused, by = null, reason = null } = settings
  const before = pauseOf(world, queue)
  const isSaid = before !== null && (reason === null || reason === before.reason)
  if (!isPaused) world.queues.set(queue, null)
  else if (!isSaid) world.queues.set(queue, { atMs: world.clock.now(), by, reason })
}
