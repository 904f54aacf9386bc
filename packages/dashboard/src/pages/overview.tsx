import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Stats, StatsPoint, Worker } from '@tasklane/protocol'
import { lazy, Suspense, useState } from 'react'
import { ApiError } from '../api/http.ts'
import { fewTasksQuery, historyQuery, statsQuery, stepOf, workersQuery } from '../api/queries.ts'
import { completePoints } from '../charts/so-far.ts'
import { useInterval } from '../live/live.ts'
import { Bar, Failure, PageHead, Panel, Segments, Skeleton, Sparkline, Stale } from '../parts/basic.tsx'
import { count, rate, span } from '../parts/format.ts'
import { StateIcon } from '../parts/state.tsx'
import { Lasted } from '../parts/time.tsx'
import { Attention } from './attention.tsx'
import { GettingStarted } from './getting-started.tsx'
import { slotsOf } from './slots.ts'
import { WorkerStrip } from './worker-strip.tsx'
import '../styles/overview.css'

const Throughput = lazy(() => import('../charts/throughput.tsx').then(({ Throughput }) => ({ default: Throughput })))

const ranges = [
  ['5 m', 5],
  ['15 m', 15],
  ['1 h', 60],
  ['6 h', 360],
  ['24 h', 1_440],
] as const

export function Overview() {
  const interval = useInterval(2_000, 10_000)
  const [minutes, setMinutes] = useState<number>(15)
  const stats = useQuery({ ...statsQuery, refetchInterval: interval })
  const history = useQuery({ ...historyQuery(minutes), refetchInterval: useInterval(5_000, 5_000) })
  const workers = useQuery({ ...workersQuery, refetchInterval: interval })
  const points = history.data?.points ?? []

  if (stats.data === undefined && stats.error !== null)
    return <Failure error={stats.error} onRetry={() => void stats.refetch()} />
  const isFresh = stats.data !== undefined && (stats.data.total === 0 || stats.data.workers.active === 0)
  return (
    <div className="page">
      <PageHead title="Overview">
        <Segments<number> legend="Time shown" choices={ranges} value={minutes} onChoose={setMinutes} />
      </PageHead>
      <Stale error={stats.error} at={stats.dataUpdatedAt} />
      <Tiles stats={stats.data} points={points} step={stepOf(minutes)} workers={workers.data} />
      {isFresh ? <GettingStarted hasWorkers={stats.data.workers.active > 0} /> : null}
      <Panel title="Throughput" className="chart-panel">
        <Suspense fallback={<div className="chart-space" />}>
          {history.data === undefined ? (
            <ChartAbsent error={history.error} />
          ) : (
            <Throughput points={points} minutes={minutes} readAtMs={history.dataUpdatedAt} />
          )}
        </Suspense>
      </Panel>
      <div className="two">
        <Attention />
        <RunningNow />
      </div>
      <WorkerStrip workers={workers.data} />
    </div>
  )
}

const absences: Readonly<Record<number, string>> = {
  403: 'Your role sees no rates of everybody’s tasks.',
  404: 'This scheduler keeps no history of rates.',
}

function ChartAbsent({ error }: { readonly error: unknown }) {
  const status = error instanceof ApiError ? error.status : 0
  return (
    <div className="chart-space chart-absent faint">
      {error === null ? '' : (absences[status] ?? 'The history cannot be read.')}
    </div>
  )
}

interface TilesProps {
  readonly stats: Stats | undefined
  readonly points: readonly StatsPoint[]
  readonly step: number
  readonly workers: readonly Worker[] | undefined
}

function Tiles({ stats, points, step, workers }: TilesProps) {
  // What is counted is told of whole minutes; the number above the line is that of now.
  const complete = completePoints(points, step)
  const ended = complete.map(point => point.completed + point.failed)
  const failedShare = complete.map(point => share(point.failed, point.completed + point.failed))
  const rates = stats?.rates ?? null
  const endedPerSecond = rates === null ? 0 : rates.completed_per_second + rates.failed_per_second
  const failure = rates === null ? 0 : share(rates.failed_per_second, endedPerSecond)
  // Both from one answer: of two moments there could be more in use than there are.
  const active = workers?.filter(worker => worker.status === 'active')
  const taken = active && slotsOf(active)
  const waiting = stats === undefined ? 0 : stats.tasks.pending + stats.tasks.scheduled + stats.tasks.blocked
  return (
    <div className="tiles">
      <Tile
        name="Waiting"
        value={stats && count(waiting)}
        note={stats && `${count(stats.tasks.pending)} due now`}
        values={points.map(point => point.waiting)}
        tone="pending"
        search={{ status: 'pending,scheduled,blocked' }}
      />
      <Tile
        name="Running"
        value={stats && count(stats.tasks.running)}
        note={stats && `${rate(stats.rates?.submitted_per_second ?? 0)} come in`}
        values={points.map(point => point.running)}
        tone="running"
        search={{ status: 'running' }}
      />
      <Tile
        name="Done"
        value={stats && rate(rates?.completed_per_second ?? 0)}
        note={stats && `${count(stats.tasks.completed)} in all`}
        values={ended}
        tone="completed"
        search={{ status: 'completed' }}
      />
      <Tile
        name="Failing"
        value={stats && `${(failure * 100).toFixed(failure > 0 && failure < 0.1 ? 1 : 0)} %`}
        note={stats && `${count(stats.tasks.failed)} in all`}
        values={failedShare}
        tone="failed"
        search={{ status: 'failed' }}
      />
      <Tile
        name="Wait, p95"
        value={stats && span(stats.wait_ms?.p95)}
        note={stats && `run ${span(stats.run_ms?.p95)}`}
        values={points.map(point => point.wait_p95_ms)}
        tone="accent"
      />
      <Tile
        name="Slots in use"
        value={taken && `${count(taken.used)} / ${count(taken.slots)}`}
        note={stats && workersText(stats)}
        values={points.map(point => point.slots_used)}
        tone="accent"
        to="/workers"
      />
    </div>
  )
}

function workersText({ workers }: Stats): string {
  const lost = workers.lost > 0 ? `, ${count(workers.lost)} lost` : ''
  return `${count(workers.active)} ${workers.active === 1 ? 'worker' : 'workers'}${lost}`
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}

interface TileProps {
  readonly name: string
  readonly value: string | undefined
  readonly note: string | undefined
  readonly values: readonly (number | null)[]
  readonly tone: string
  readonly search?: { readonly status: string }
  readonly to?: '/workers'
}

function Tile({ name, value, note, values, tone, search, to }: TileProps) {
  const inside = (
    <>
      <span className="tile-name">{name}</span>
      <span className="tile-value">{value ?? <span className="skeleton tile-skeleton" />}</span>
      <span className="tile-note">{note ?? ' '}</span>
      <Sparkline values={values} tone={tone} label={`${name} over the time shown`} />
    </>
  )
  if (search !== undefined)
    return (
      <Link to="/tasks" search={search} className="tile">
        {inside}
      </Link>
    )
  return to === undefined ? (
    <div className="tile">{inside}</div>
  ) : (
    <Link to={to} className="tile">
      {inside}
    </Link>
  )
}

function RunningNow() {
  const interval = useInterval(2_000, 10_000)
  const { data: tasks, error } = useQuery({ ...fewTasksQuery({ status: 'running' }, 12), refetchInterval: interval })
  return (
    <Panel
      title="Running now"
      isFlush
      side={
        <Link to="/tasks" search={{ status: 'running' }} className="quiet-link">
          All
        </Link>
      }
    >
      {tasks === undefined && error === null ? <Skeleton rows={4} /> : null}
      {tasks?.length === 0 ? <p className="empty-line faint">Nothing runs at the moment.</p> : null}
      <ul className="running-list">
        {tasks
          ?.filter(task => task.status === 'running')
          .map(task => (
            <li key={task.task_id}>
              <Link to="/tasks/$id" params={{ id: task.task_id }}>
                <StateIcon state="running" />
                <span className="clip" dir="auto">
                  {task.name ?? task.task_type}
                </span>
                <span className="faint clip">{task.worker_id}</span>
                <span className="push number faint">
                  <Lasted from={task.started_at} to={null} />
                </span>
              </Link>
              {task.progress === null ? null : (
                <Bar percent={task.progress.percent} label={`${task.progress.percent} per cent done`} />
              )}
            </li>
          ))}
      </ul>
    </Panel>
  )
}
