import type { Clock } from '../clock.ts'

/** What a deadline is kept for; the fields belong to the keeper of deadlines. */
export interface Due {
  /** The slot of time the deadline falls into, or -1 for none. */
  dueTick: number
}

/**
 * Many deadlines, one timer. Entries lie in slots of 50 ms, so that setting and clearing costs the same for one running
 * task as for ten thousand; a deadline is met up to one slot late, never early.
 */
export interface Deadlines<Entry extends Due> {
  /** Replaces the entry's deadline. */
  set(entry: Entry, atMs: number): void
  clear(entry: Entry): void
  stop(): void
}

const tickMs = 50

/** @param onDue called once an entry's deadline has passed; it may set a new one */
export function createDeadlines<Entry extends Due>(clock: Clock, onDue: (entry: Entry) => void): Deadlines<Entry> {
  const slots = new Map<number, Set<Entry>>()
  let armedTick = Number.POSITIVE_INFINITY
  let cancelTimer: (() => void) | null = null

  function set(entry: Entry, atMs: number): void {
    clear(entry)
    const tick = Math.ceil(atMs / tickMs)
    entry.dueTick = tick
    const slot = slots.get(tick)
    if (slot === undefined) slots.set(tick, new Set([entry]))
    else slot.add(entry)
    if (tick < armedTick) arm(tick)
  }

  function clear(entry: Entry): void {
    if (entry.dueTick === -1) return
    const slot = slots.get(entry.dueTick)
    slot?.delete(entry)
    if (slot?.size === 0) slots.delete(entry.dueTick)
    entry.dueTick = -1
    // The timer stays armed for a slot that may be empty now: one wake-up in vain is cheaper than re-arming per task.
  }

  function arm(tick: number): void {
    cancelTimer?.()
    armedTick = tick
    cancelTimer = clock.after(tick * tickMs - clock.monotonic(), fire)
  }

  function fire(): void {
    cancelTimer = null
    armedTick = Number.POSITIVE_INFINITY
    const nowTick = Math.floor(clock.monotonic() / tickMs)
    const due = [...slots.keys()].filter(tick => tick <= nowTick).sort((a, b) => a - b)
    for (const tick of due) {
      const slot = slots.get(tick) ?? []
      slots.delete(tick)
      for (const entry of slot) {
        entry.dueTick = -1
        onDue(entry)
      }
    }
    let next = Number.POSITIVE_INFINITY
    for (const tick of slots.keys()) next = Math.min(next, tick)
    if (next < armedTick) arm(next)
  }

  return Object.freeze<Deadlines<Entry>>({
    set,
    clear,
    stop: () => {
      cancelTimer?.()
      cancelTimer = null
      slots.clear()
    },
  })
}
