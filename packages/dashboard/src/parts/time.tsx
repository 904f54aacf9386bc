import { useSyncExternalStore } from 'react'
import { usePreferences } from '../shell/preferences.ts'
import { ago, localTime, runningSpan, shortLocalTime, span, utcTime } from './format.ts'

// One clock for the whole page; a second is fine enough for "12 s ago".
const listeners = new Set<() => void>()
let now = Date.now()
let ticking: ReturnType<typeof setInterval> | null = null

function listen(tell: () => void): () => void {
  listeners.add(tell)
  ticking ??= setInterval(tick, 1_000)
  return () => {
    listeners.delete(tell)
    if (listeners.size === 0 && ticking !== null) {
      clearInterval(ticking)
      ticking = null
    }
  }
}

function tick(): void {
  if (document.hidden) return
  now = Date.now()
  for (const tell of listeners) tell()
}

export function useNow(): number {
  return useSyncExternalStore(listen, () => now)
}

/** A moment, in the way that was chosen; the others are in the tooltip. */
export function Time({ at }: { readonly at: string | null | undefined }) {
  const { times } = usePreferences()
  const current = useNow()
  if (at === null || at === undefined) return <span className="faint">–</span>
  const date = new Date(at)
  const text =
    times === 'utc'
      ? utcTime(date)
      : times === 'local'
        ? shortLocalTime(date, current)
        : ago(Math.max(current, Date.now() - 999) - date.getTime())
  return (
    <time dateTime={at} title={`${localTime(date)} · ${utcTime(date)}`} className="nowrap">
      {text}
    </time>
  )
}

/** A moment in a sentence, where it cannot be relative: the sentence stays. */
export function useMoments(): (at: Date) => string {
  const { times } = usePreferences()
  return times === 'utc' ? utcTime : at => shortLocalTime(at, Date.now())
}

/** How long something took, or has taken until now. */
export function Lasted({ from, to }: { readonly from: string | null; readonly to: string | null }) {
  return to === null && from !== null ? <Running from={from} /> : <span className="nowrap">{fixedSpan(from, to)}</span>
}

function Running({ from }: { readonly from: string }) {
  const current = useNow()
  return <span className="nowrap">{runningSpan(current - Date.parse(from))}</span>
}

function fixedSpan(from: string | null, to: string | null): string {
  return from === null || to === null ? '–' : span(Date.parse(to) - Date.parse(from))
}
