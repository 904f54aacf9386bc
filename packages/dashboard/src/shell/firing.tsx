import { useQuery } from '@tanstack/react-query'
import { openAlertsQuery } from '../api/queries.ts'
import { useInterval } from '../live/live.ts'

interface Firing {
  readonly count: number
  readonly isCritical: boolean
  /** There are more than are asked for. */
  readonly isMore: boolean
}

/** What fires and nobody has silenced. */
function useFiring(): Firing {
  const { data } = useQuery({ ...openAlertsQuery, refetchInterval: useInterval(5_000) })
  const firing = (data?.alerts ?? []).filter(({ state, silence }) => state === 'firing' && silence === null)
  return {
    count: firing.length,
    isCritical: firing.some(({ severity }) => severity === 'critical'),
    isMore: data !== undefined && data.next_cursor !== null,
  }
}

/** Beside the name of the page. */
export function FiringCount() {
  const { count, isCritical, isMore } = useFiring()
  if (count === 0) return null
  return (
    <b className={`nav-count ${isCritical ? 'nav-count-critical' : ''}`}>
      {count}
      {isMore ? '+' : ''}
      <span className="offscreen"> firing</span>
    </b>
  )
}

/** Where the names of the pages are out of sight. */
export function FiringDot() {
  const { count, isCritical } = useFiring()
  if (count === 0) return null
  return (
    <b className={`menu-dot ${isCritical ? 'nav-count-critical' : ''}`}>
      <span className="offscreen">Alerts fire</span>
    </b>
  )
}
