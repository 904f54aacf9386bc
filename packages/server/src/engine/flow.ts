import type { ClaimAsk, ClaimedTask, LaneCount } from '../ports/store.ts'
import { keyOf, type LaneName, serves, without } from './lane-counts.ts'

/**
 * Which new tasks are better off with the next claim than with the next commit.
 *
 * A task that meets a claim in the exchange that brings it, and before which nothing waits, is written once, as running:
 * half of what a short life costs the store. So where workers are faster than producers, new tasks go along with claims,
 * as many as these have room for. One that goes without lies in the store, and while it does, all that come after it lie
 * down behind it. Whether a lane is like that is learned from what its claims find:
 *
 *     empty ── tasks were left behind, or older ones found ──▶ draining ── submits waited in vain ──▶ (not known)
 *       ▲                                                        │                                          │
 *       └──────────────────────── a claim that serves it found nothing ─────────────────────────────────────┘
 *
 * It decides when a submit goes, never whether or in which order tasks are handed out; being wrong costs a short wait.
 */
export interface Flow {
  /** What is best for new tasks of these lanes. */
  adviceFor(lanes: readonly LaneCount[]): Advice
  /** What an exchange found. */
  learn(found: Found): void
  /** Submits of these lanes waited, and no claim came for them. */
  waitedInVain(lanes: readonly LaneCount[]): void
}

/** At once; with a claim that has room for them; or not yet, since a claim shall first take what is there. */
export type Advice = 'now' | 'with a claim' | 'later'

export interface Found {
  readonly submitted: readonly LaneCount[]
  readonly asks: readonly ClaimAsk[]
  /** By ask. */
  readonly claims: readonly (readonly Claimed[])[]
  readonly claimed: readonly LaneCount[]
  /** Whether a task is one of those that this exchange brought. */
  readonly isNew: (task: Claimed) => boolean
}

type Claimed = Pick<ClaimedTask, 'id' | 'queue' | 'type'>

/** Past this, the lane that was learned first is forgotten: its submits go at once. */
const lanesMax = 1_000

export function createFlow(): Flow {
  /** Of the lanes that had submits; null: not known, or a backlog. */
  const lanes = new Map<string, { readonly name: LaneCount; is: 'empty' | 'draining' | null }>()

  function note(lane: LaneCount): void {
    const key = keyOf(lane)
    if (lanes.has(key)) return
    for (const oldest of lanes.keys()) {
      if (lanes.size < lanesMax) break
      lanes.delete(oldest)
    }
    lanes.set(key, { name: lane, is: null })
  }

  function drain(lane: LaneName): void {
    const known = lanes.get(keyOf(lane))
    if (known?.is === 'empty') known.is = 'draining'
  }

  return {
    adviceFor(those) {
      if (those.length === 0) return 'now'
      let advice: Advice = 'with a claim'
      for (const lane of those) {
        const is = lanes.get(keyOf(lane))?.is ?? null
        if (is === null) return 'now'
        if (is === 'draining') advice = 'later'
      }
      return advice
    },

    learn({ submitted, asks, claims, claimed, isNew }) {
      for (const lane of submitted) note(lane)
      for (const lane of without(submitted, claimed)) drain(lane)
      if (claimed.some(lane => lanes.get(keyOf(lane))?.is === 'empty')) {
        for (const tasks of claims) for (const task of tasks) if (!isNew(task)) drain(task)
      }
      for (const [at, ask] of asks.entries()) {
        if ((claims[at]?.length ?? 0) > 0) continue
        for (const lane of lanes.values()) if (serves(ask, lane.name)) lane.is = 'empty'
      }
    },

    waitedInVain(those) {
      for (const lane of those) {
        const known = lanes.get(keyOf(lane))
        if (known !== undefined) known.is = null
      }
    },
  }
}
