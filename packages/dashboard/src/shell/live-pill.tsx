import { useQueryClient } from '@tanstack/react-query'
import { Pause, Radio, RefreshCw, Unplug } from 'lucide-react'
import { type LiveState, liveOf, useLiveState, useLiveTimes } from '../live/live.ts'
import { shortLocalTime } from '../parts/format.ts'
import { useNow } from '../parts/time.tsx'

const looks = {
  connecting: ['Connecting', RefreshCw, 'Asking for the stream of events'],
  live: ['Live', Radio, 'Changes are shown as they happen. Press to pause (l).'],
  reconnecting: ['Reconnecting', Unplug, 'The stream was cut off and is asked for again.'],
  polling: ['Polling', RefreshCw, 'There is no stream of events; the page asks every few seconds. Press to pause (l).'],
  away: ['As of', Unplug, 'The scheduler cannot be reached; this is what it said last. The page asks again by itself.'],
  paused: ['Paused', Pause, 'Nothing is refreshed. Press to go on (l).'],
} as const satisfies Record<LiveState, readonly unknown[]>

export function LivePill() {
  const client = useQueryClient()
  const state = useLiveState()
  const [word, Icon, title] = looks[state]
  const detail = useDetail(state)
  const text = detail === '' ? word : `${word} ${detail}`
  return (
    <button
      type="button"
      className={`pill pill-${state}`}
      data-live={state}
      title={title}
      onClick={() => liveOf(client).setWanted(state === 'paused')}
    >
      <Icon size={13} aria-hidden="true" />
      <span className="not-phone">{text}</span>
      <span className="only-phone offscreen">{text}</span>
    </button>
  )
}

/** How long until it is asked for again, or how old what is shown is. */
function useDetail(state: LiveState): string {
  const { retryAtMs, heardAtMs } = useLiveTimes()
  const now = useNow()
  if (state === 'reconnecting')
    return `${Math.max(1, Math.ceil((retryAtMs - Math.max(now, Date.now() - 999)) / 1_000))} s`
  if (state !== 'away') return ''
  return heardAtMs === 0 ? 'never' : shortLocalTime(new Date(heardAtMs), now)
}
