import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import type {
  About,
  Alert,
  AlertChannelList,
  AlertPage,
  AlertRuleList,
  Attempt,
  Attention,
  AuditPage,
  FailureGroups,
  LogPage,
  Me,
  Queue,
  ServiceToken,
  Site,
  Stats,
  StatsPoint,
  Task,
  TaskGraph,
  TaskPage,
  User,
  Why,
  Worker,
} from '@tasklane/protocol'
import { ApiError, get, type Query } from './http.ts'
import type { TaskType } from './types.ts'

/** Rows fetched at once by the list of tasks. */
export const pageRows = 200
/** Rows looked at to see what is new above the list. */
export const headRows = 100

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => get<Me>('api/me', {}, signal),
  staleTime: 60_000,
  retry: false,
})

export const siteQuery = queryOptions({
  queryKey: ['site'],
  queryFn: ({ signal }) => get<Site>('api/site', {}, signal),
  staleTime: 60_000,
  retry: false,
})

export const statsQuery = queryOptions({
  queryKey: ['stats'],
  queryFn: ({ signal }) => get<Stats>('api/stats', {}, signal),
})

export const historyQuery = (minutes: number) =>
  queryOptions({
    queryKey: ['history', minutes],
    queryFn: ({ signal }) =>
      get<{ points: readonly StatsPoint[]; step?: number }>(
        'api/stats/history',
        { minutes, step: stepOf(minutes) },
        signal,
      ),
    placeholderData: keepPreviousData,
    retry: false,
  })

/** Seconds of one point. Those of five seconds are kept for five minutes, and by the minute beyond. */
export function stepOf(minutes: number): number {
  return minutes <= 5 ? 5 : minutes <= 60 ? 60 : minutes <= 360 ? 120 : 600
}

export const queuesQuery = queryOptions({
  queryKey: ['queues'],
  queryFn: ({ signal }) => get<{ queues: readonly Queue[] }>('api/queues', {}, signal),
  select: page => page.queues,
})

export const workersQuery = queryOptions({
  queryKey: ['workers'],
  queryFn: ({ signal }) => get<{ workers: readonly Worker[] }>('api/workers', {}, signal),
  select: page => page.workers,
})

export const typesQuery = queryOptions({
  queryKey: ['types'],
  queryFn: ({ signal }) => get<{ types: readonly TaskType[] }>('api/types', {}, signal),
  select: page => page.types,
  retry: false,
})

export const taskQuery = (id: string) =>
  queryOptions({
    queryKey: ['task', id],
    queryFn: ({ signal }) => get<Task>(`api/tasks/${encodeURIComponent(id)}`, {}, signal),
    retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status === 404),
  })

export const attemptsQuery = (id: string) =>
  queryOptions({
    queryKey: ['task', id, 'attempts'],
    queryFn: ({ signal }) =>
      get<{ attempts: readonly Attempt[] }>(`api/tasks/${encodeURIComponent(id)}/attempts`, {}, signal),
    select: page => page.attempts,
  })

export const whyQuery = (id: string) =>
  queryOptions({
    queryKey: ['task', id, 'why'],
    queryFn: ({ signal }) => get<Why>(`api/tasks/${encodeURIComponent(id)}/why`, {}, signal),
  })

export const graphQuery = (id: string) =>
  queryOptions({
    queryKey: ['task', id, 'graph'],
    queryFn: ({ signal }) => get<TaskGraph>(`api/tasks/${encodeURIComponent(id)}/graph`, {}, signal),
    placeholderData: keepPreviousData,
  })

export function getLogs(id: string, after: number, signal?: AbortSignal): Promise<LogPage> {
  return get<LogPage>(`api/tasks/${encodeURIComponent(id)}/logs`, { after, limit: 1_000 }, signal)
}

export const taskListQuery = (filter: Query) =>
  infiniteQueryOptions({
    queryKey: ['tasks', 'list', filter],
    queryFn: ({ signal, pageParam }) =>
      get<TaskPage>('api/tasks', { ...filter, limit: pageRows, cursor: pageParam }, signal),
    initialPageParam: '',
    getNextPageParam: page => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    // Pages keep who they are anyway; to compare 100,000 rows with themselves at each fetch would take seconds.
    structuralSharing: false,
    // Rows never jump under the mouse: what is new is offered, and what changed is patched.
    refetchOnWindowFocus: false,
    staleTime: 10_000,
  })

/** The newest rows that match, to tell how many stand above the list. */
export const taskHeadQuery = (filter: Query) =>
  queryOptions({
    queryKey: ['tasks', 'head', filter],
    queryFn: ({ signal }) => get<TaskPage>('api/tasks', { ...filter, limit: headRows }, signal),
  })

export const fewTasksQuery = (filter: Query, limit: number) =>
  queryOptions({
    queryKey: ['tasks', 'few', filter, limit],
    queryFn: ({ signal }) => get<TaskPage>('api/tasks', { ...filter, limit }, signal),
    select: page => page.tasks,
  })

export const attentionQuery = queryOptions({
  queryKey: ['attention'],
  queryFn: ({ signal }) => get<Attention>('api/attention', {}, signal),
  retry: false,
})

export const failuresQuery = (hours: number, limit: number) =>
  queryOptions({
    queryKey: ['failures', hours, limit],
    queryFn: ({ signal }) => get<FailureGroups>('api/failures', { hours, limit }, signal),
    placeholderData: keepPreviousData,
    retry: false,
  })

export const usersQuery = queryOptions({
  queryKey: ['users'],
  queryFn: ({ signal }) => get<{ users: readonly User[] }>('api/users', {}, signal),
  select: page => page.users,
  retry: false,
})

export const tokensQuery = queryOptions({
  queryKey: ['tokens'],
  queryFn: ({ signal }) => get<{ tokens: readonly ServiceToken[] }>('api/tokens', {}, signal),
  select: page => page.tokens,
  retry: false,
})

export const auditQuery = (filter: Query) =>
  infiniteQueryOptions({
    queryKey: ['audit', filter],
    queryFn: ({ signal, pageParam }) =>
      get<AuditPage>('api/audit', { ...filter, limit: 100, cursor: pageParam }, signal),
    initialPageParam: '',
    getNextPageParam: page => page.next_cursor ?? undefined,
    retry: false,
  })

export const aboutQuery = queryOptions({
  queryKey: ['about'],
  queryFn: ({ signal }) => get<About>('api/about', {}, signal),
  retry: false,
})

/** Alerts that are open: those that fire, and those that are about to. */
export const openAlertsMax = 200
export const openAlertsQuery = queryOptions({
  queryKey: ['alerts', 'open'],
  queryFn: ({ signal }) => get<AlertPage>('api/alerts', { state: 'firing,pending', limit: openAlertsMax }, signal),
  retry: false,
})

export const alertHistoryQuery = (filter: Query) =>
  infiniteQueryOptions({
    queryKey: ['alerts', 'history', filter],
    queryFn: ({ signal, pageParam }) =>
      get<AlertPage>('api/alerts', { ...filter, state: 'resolved', limit: 50, cursor: pageParam }, signal),
    initialPageParam: '',
    getNextPageParam: page => page.next_cursor ?? undefined,
    retry: false,
  })

export const alertQuery = (id: number) =>
  queryOptions({
    queryKey: ['alerts', 'one', id],
    queryFn: ({ signal }) => get<Alert>(`api/alerts/${id}`, {}, signal),
    retry: false,
  })

export const alertRulesQuery = queryOptions({
  queryKey: ['alerts', 'rules'],
  queryFn: ({ signal }) => get<AlertRuleList>('api/alerts/rules', {}, signal),
  select: page => page.rules,
  retry: false,
})

export const alertChannelsQuery = queryOptions({
  queryKey: ['alerts', 'channels'],
  queryFn: ({ signal }) => get<AlertChannelList>('api/alerts/channels', {}, signal),
  select: page => page.channels,
  retry: false,
})
