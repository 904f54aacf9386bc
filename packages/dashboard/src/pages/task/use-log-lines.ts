import { useQuery } from '@tanstack/react-query'
import { isFinished, type LogLine, type Task } from '@tasklane/protocol'
import { useEffect, useState } from 'react'
import { getLogs } from '../../api/queries.ts'
import { useLiveState } from '../../live/live.ts'

export interface LogLines {
  readonly lines: readonly LogLine[]
  readonly isRead: boolean
  readonly error: Error | null
}

/** Reads on from the last line it has, so that a long log is not fetched again and again. */
export function useLogLines({ task_id: id, status }: Pick<Task, 'task_id' | 'status'>): LogLines {
  const [lines, setLines] = useState<readonly LogLine[]>([])
  const live = useLiveState()
  const after = lines.at(-1)?.line ?? 0
  const { data, error } = useQuery({
    queryKey: ['task', id, 'logs', after, status],
    queryFn: ({ signal }) => getLogs(id, after, signal),
    // What a worker says last may come a moment after the end: then it is a look of the page at its return.
    refetchInterval: isFinished(status) || live === 'paused' ? false : 1_000,
    gcTime: 5_000,
  })
  useEffect(() => {
    const fresh = data?.logs ?? []
    if (fresh.length === 0) return
    setLines(old => {
      const last = old.at(-1)?.line ?? -1
      const news = fresh.filter(line => line.line > last)
      return news.length === 0 ? old : [...old, ...news]
    })
  }, [data])
  return { lines, isRead: data !== undefined, error }
}
