import { useQueryClient } from '@tanstack/react-query'
import { Pause, Radio, RefreshCw, Unplug } from 'lucide-react'
import { type LiveState, liveOf, useLiveState } from '../live/live.ts'

const looks = {
  connecting: ['Connecting', RefreshCw, 'Asking for the stream of events'],
  live: ['Live', Radio, 'Changes are shown as they happen. Press to pause (l).'],
  reconnecting: ['Reconnecting', Unplug, 'The stream was cut off and is asked for again.'],
  polling: ['Polling', RefreshCw, 'There is no stream of events; the page asks every few seconds. Press to pause (l).'],
  paused: ['Paused', Pause, 'Nothing is refreshed. Press to go on (l).'],
} as const satisfies Record<LiveState, readonly unknown[]>

export function LivePill() {
  const client = useQueryClient()
  const state = useLiveState()
  const [text, Icon, title] = looks[state]
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
