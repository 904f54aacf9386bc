import { useQuery } from '@tanstack/react-query'
import type { TaskPage } from '@tasklane/protocol'
import { get } from '../../api/http.ts'
import { useInterval } from '../../live/live.ts'
import { exactCount } from '../../parts/format.ts'

async function countOf(worker: string, status: string, signal: AbortSignal): Promise<number> {
  const query = { worker_id: worker, status, count: true, limit: 1 }
  return (await get<TaskPage>('api/tasks', query, signal)).total ?? 0
}

/** How the tasks ended that this worker ran last, of those that are kept; counted to ten thousand each. */
export function useOutcomes(worker: string): string {
  const { data } = useQuery({
    queryKey: ['outcomes', worker],
    queryFn: async ({ signal }) => {
      const [completed, failed] = await Promise.all([
        countOf(worker, 'completed', signal),
        countOf(worker, 'failed', signal),
      ])
      return { completed, failed }
    },
    refetchInterval: useInterval(10_000, 10_000),
  })
  if (data === undefined) return '–'
  const all = data.completed + data.failed
  if (all === 0) return 'nothing has ended here yet'
  return `${((data.completed / all) * 100).toFixed(data.failed === 0 ? 0 : 1)} % of ${exactCount(all)}`
}
