import type { Api } from './api.ts'
import type { Progress } from './chaos.ts'
import type { Journal } from './journal.ts'
import { heartbeatMs, type Plan } from './plan.ts'
import { pause } from './waiting.ts'

export interface Watch {
  enter(phase: Progress['phase']): void
  stop(): void
}

export interface WatchParts {
  readonly api: Api
  readonly journal: Journal
  readonly signal: AbortSignal
  readonly plan: Plan
  readonly onProgress: (progress: Progress) => void
}

const everyMs = 200
/** A scheduler that answers no sooner may have heard heartbeats too late. */
const slowMs = heartbeatMs

const tickMs = 50
/** The links live in this process: when it gets no turn, nothing passes. */
const starvedMs = heartbeatMs * 0.6

/** Looks at the scheduler from outside, all the while: how far it is, and when it was too slow to be fair to anybody. */
export function watchScheduler({ api, journal, signal, plan, onProgress }: WatchParts): Watch {
  const startedMs = performance.now()
  const own = new AbortController()
  const over = AbortSignal.any([signal, own.signal])
  let phase: Progress['phase'] = 'faults'
  let submitted = 0
  let finished = 0

  async function look(): Promise<void> {
    const askedAt = Date.now()
    const asked = performance.now()
    const reply = await api.get('/api/stats')
    if (performance.now() - asked > slowMs) journal.stalled(askedAt, 'the scheduler was slow to answer')
    if (reply?.status !== 200) return
    const { tasks, total } = reply.body as { tasks: Readonly<Record<string, number>>; total: number } // The protocol's Stats.
    submitted = total
    finished = (tasks.completed ?? 0) + (tasks.failed ?? 0) + (tasks.cancelled ?? 0)
  }

  async function watch(): Promise<void> {
    while (!over.aborted) {
      await look()
      const faults = [...journal.counts().values()].reduce((sum, count) => sum + count, 0)
      const leftMs = phase === 'faults' ? Math.max(0, plan.safetyMs - (performance.now() - startedMs)) : 0
      onProgress({ phase, leftMs, faults, submitted, finished })
      await pause(everyMs, over)
    }
  }

  let lastTickMs = performance.now()
  const ticking = setInterval(() => {
    const gapMs = performance.now() - lastTickMs
    lastTickMs = performance.now()
    if (gapMs > starvedMs) journal.stalled(Date.now() - gapMs, 'the links got no processor')
  }, tickMs)
  over.addEventListener('abort', () => clearInterval(ticking), { once: true })
  void watch()
  return Object.freeze<Watch>({
    enter: next => {
      phase = next
    },
    stop: () => own.abort(),
  })
}
