import type { Clock } from '../../ports/clock.ts'

/** Sessions that were ended by a logout, until their tokens have run out anyway. */
export interface Logouts {
  /** False where there is no more room: then the caller has to end the user's sessions as a whole. */
  add(sid: string, untilMs: number): boolean
  has(sid: string): boolean
}

export function createLogouts(clock: Clock, sessionsMax = 100_000): Logouts {
  const ended = new Map<string, number>()

  function forgetPast(): void {
    for (const [sid, untilMs] of ended) if (untilMs <= clock.now()) ended.delete(sid)
  }

  return Object.freeze<Logouts>({
    add: (sid, untilMs) => {
      if (ended.size >= sessionsMax) forgetPast()
      if (ended.size >= sessionsMax) return false
      ended.set(sid, untilMs)
      return true
    },
    has: sid => ended.has(sid),
  })
}
