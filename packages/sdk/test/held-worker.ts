import type { HeartbeatRequest, SettleRequest } from '@tasklane/protocol'
import { defineTask, type TaskContext } from '../src/index.ts'
import { createLeaseThreadDouble } from './lease-thread-double.ts'
import type { SchedulerDouble } from './scheduler-double.ts'
import { createGate, until } from './until.ts'
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts'
import { startWorker } from './worker-setup.ts'

/** A worker whose one type `held` ends when its gate opens; time stands still until it is moved. */
export async function startHeldWorker(
  options: {
    readonly slots?: number
    readonly heedsSignal?: boolean
    readonly heartbeatSeconds?: number
    /** Whether its leases are kept behind messages, as in a thread of their own. */
    readonly isThreaded?: boolean
  } = {},
) {
  const clock = createVirtualClock()
  const gate = createGate<unknown>()
  const contexts: TaskContext[] = []
  const held = defineTask({
    type: 'held',
    run: async (_, ctx) => {
      contexts.push(ctx)
      const { signal } = ctx
      const aborted = new Promise<never>((_resolve, reject) => {
        if (options.heedsSignal !== false) signal.addEventListener('abort', () => reject(signal.reason))
      })
      const value = await Promise.race([gate.opened, aborted])
      if (value instanceof Error) throw value
      return 'done'
    },
  })
  const parts = await startWorker([held], {
    clock,
    slots: options.slots ?? 2,
    heartbeatSeconds: options.heartbeatSeconds ?? 5,
    ...(options.isThreaded === true ? { startThread: createLeaseThreadDouble(clock) } : {}),
  })
  await until('it claims', () => parts.scheduler.seenAt(/claim/).length === 1)
  const run = async (taskId: string, timeout: number | null = null): Promise<TaskContext> => {
    const count = contexts.length
    parts.scheduler.add({ task_type: 'held', task_id: taskId, timeout })
    await until(`${taskId} runs`, () => contexts.length > count)
    const ctx = contexts[count]
    if (ctx === undefined) throw new Error('unreachable')
    return ctx
  }
  return { ...parts, clock, gate, contexts, run }
}

type StartHeldWorker = typeof startHeldWorker

/** The same worker with either keeper of its leases: what holds for one holds for the other. */
export const keepers: readonly (readonly [place: string, start: StartHeldWorker])[] = [
  ['beside the handlers', options => startHeldWorker(options)],
  ['behind messages', options => startHeldWorker({ ...options, isThreaded: true })],
]

/** Moves time on to the next heartbeat, and waits until it has been answered and heard. */
export async function nextBeat(scheduler: SchedulerDouble, clock: VirtualClock): Promise<HeartbeatRequest> {
  const { beats } = scheduler.worker('w1')
  const before = beats.length
  const seen = scheduler.seenAt(/heartbeat/).length
  for (let step = 0; step < 100 && scheduler.seenAt(/heartbeat/).length === seen; step += 1) {
    clock.advance(100)
    await turns()
  }
  await until('the beat arrives', () => beats.length > before)
  await turns()
  const beat = beats[before]
  if (beat === undefined) throw new Error('unreachable')
  return beat
}

export function settled(scheduler: SchedulerDouble): SettleRequest['results'] {
  return scheduler.seenAt(/settle/).flatMap(each => (each.body as SettleRequest).results)
}

/** Lets what is ready on real sockets happen. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    const { opened, open } = createGate()
    setImmediate(open)
    await opened
  }
}
