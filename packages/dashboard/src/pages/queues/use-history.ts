import { queryOptions, useQuery } from '@tanstack/react-query'
import type { StatsHistory } from '@tasklane/protocol'
import { get } from '../../api/http.ts'
import { useInterval } from '../../live/live.ts'

const historyOf = (queue: string, minutes: number) =>
  queryOptions({
    queryKey: ['history', minutes, queue],
    queryFn: ({ signal }) => get<StatsHistory>('api/stats/history', { queue, minutes, step: 60 }, signal),
    // A point is a minute; the page need not ask more often than it can change visibly.
    staleTime: 20_000,
    retry: false,
  })

/** The last hour of one queue by the minute; undefined until it is there, or where it may not be seen. */
export function useHistory(queue: string, isWanted = true): StatsHistory | undefined {
  const interval = useInterval(60_000, 30_000)
  return useQuery({ ...historyOf(queue, 60), refetchInterval: interval, enabled: isWanted }).data
}
