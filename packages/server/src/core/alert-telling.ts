/** How a channel was told that an alert fires: by channel, of those that were. */
export type Tellings = Readonly<Record<string, Telling>>

export interface Telling {
  /** When it was told last, a reminder included. */
  readonly atMs: number
  /** How often it was reminded. */
  readonly reminders: number
}

/** A channel, as far as reminders depend on it. */
export interface RemindableChannel {
  readonly id: string
  /** Null never reminds. */
  readonly remindEveryMs: number | null
  /** Something that it is to be told is still on its way. */
  readonly isBehind: boolean
}

/**
 * Whom it is time to remind of an alert that goes on. A channel that is still behind is not: it would be told the same of
 * one alert as often as it was away long.
 *
 * @param otherwiseMs since when it fires: for channels that an earlier version told, which noted no time
 */
export function channelsToRemind(
  channels: readonly RemindableChannel[],
  alert: { readonly told: readonly string[]; readonly tellings: Tellings },
  { nowMs, otherwiseMs }: { readonly nowMs: number; readonly otherwiseMs: number },
): readonly string[] {
  return channels
    .filter(({ id, remindEveryMs, isBehind }) => {
      if (remindEveryMs === null || isBehind || !alert.told.includes(id)) return false
      // Either way: a clock that was set back must not keep anybody waiting for the time that it lost.
      return Math.abs(nowMs - (alert.tellings[id]?.atMs ?? otherwiseMs)) >= remindEveryMs
    })
    .map(({ id }) => id)
}

/** What is known of it once these were told and those reminded, at this time. */
export function tellingsAfter(
  before: Tellings,
  { tell, remind }: { readonly tell: readonly string[]; readonly remind: readonly string[] },
  nowMs: number,
): Tellings {
  const told = tell.map(id => [id, { atMs: nowMs, reminders: 0 }] as const)
  const reminded = remind.map(id => [id, { atMs: nowMs, reminders: (before[id]?.reminders ?? 0) + 1 }] as const)
  return { ...before, ...Object.fromEntries([...told, ...reminded]) }
}
