import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { isFinished, type Task } from '@tasklane/protocol'
import { useMemo, useState } from 'react'
import { fewTasksQuery } from '../../api/queries.ts'
import { useInterval } from '../../live/live.ts'
import { Panel, Segments } from '../../parts/basic.tsx'
import { plural, span } from '../../parts/format.ts'
import { toneOf } from '../../parts/state.tsx'
import { useNow } from '../../parts/time.tsx'
import { denseAbove, lanesOf, rowsOf, sharesOf, type TimeFrame } from './lane-rows.ts'

const lanesMax = 30
const tasksRead = 500

const frames = [
  ['2 m', 2],
  ['10 m', 10],
  ['1 h', 60],
] as const

interface LanesProps {
  /** Ids, in the order of the lanes. */
  readonly workers: readonly string[]
  /** Of one worker alone; otherwise the newest tasks of all. */
  readonly only?: string
}

/** What each worker ran lately, one lane for each: runs beside each other, or how busy it was where they are too many. */
export function Lanes({ workers, only }: LanesProps) {
  const now = useNow()
  const [minutes, setMinutes] = useState<number>(2)
  const interval = useInterval(2_000, 4_000)
  const filter = {
    status: 'running,completed,failed,cancelled',
    ...(only === undefined ? {} : { worker_id: only }),
  }
  const { data: tasks } = useQuery({ ...fewTasksQuery(filter, tasksRead), refetchInterval: interval })
  const frame = { fromMs: now - minutes * 60_000, toMs: now }
  const shown = workers.slice(0, lanesMax)
  const lanes = useMemo(() => lanesOf(shown, tasks ?? []), [shown, tasks])
  const isQuiet = tasks !== undefined && ![...lanes.values()].flat().some(task => isInside(task, frame))
  const isCut = (tasks?.length ?? 0) === tasksRead
  return (
    <Panel
      title="What ran lately"
      side={
        <>
          {isCut ? <span className="faint lane-note">of the {tasksRead} newest tasks</span> : null}
          <Segments<number> legend="Time shown" choices={frames} value={minutes} onChoose={setMinutes} />
        </>
      }
    >
      {isQuiet ? <p className="faint">Nothing ran in the last {span(minutes * 60_000)}.</p> : null}
      {isQuiet && only !== undefined ? null : (
        <>
          <div className="lanes">
            {[...lanes].map(([worker, runs]) => (
              <Lane key={worker} worker={worker} runs={runs} frame={frame} />
            ))}
          </div>
          <p className="lane-time faint" aria-hidden="true">
            <span>{span(minutes * 60_000)} ago</span>
            <span>now</span>
          </p>
        </>
      )}
      {workers.length > shown.length ? (
        <p className="faint">The first {lanesMax} workers of the list; each has all of its own on its page.</p>
      ) : null}
    </Panel>
  )
}

interface LaneProps {
  readonly worker: string
  readonly runs: readonly Task[]
  readonly frame: TimeFrame
}

function Lane({ worker, runs: all, frame }: LaneProps) {
  const runs = all.filter(task => isInside(task, frame))
  const failed = runs.filter(task => task.status === 'failed').length
  const isDense = runs.length > denseAbove
  const placed = useMemo(() => rowsOf(all), [all])
  const shown = isDense ? [] : placed.filter(([task]) => isInside(task, frame))
  const height = Math.max(0, ...shown.map(([, row]) => row + 1))
  return (
    <div className="lane">
      <span className="lane-name clip" title={worker}>
        {worker}
      </span>
      <div
        className="lane-track"
        role="img"
        aria-label={`${worker}: ${plural(runs.length, 'task')}, ${failed} failed`}
        style={{ height: isDense ? 24 : 4 + 8 * Math.max(2, height) }}
      >
        {shown.map(([task, row]) => (
          <Run key={task.task_id} task={task} row={row} frame={frame} />
        ))}
        {isDense ? <Shares runs={runs} frame={frame} /> : null}
      </div>
    </div>
  )
}

function isInside(task: Task, frame: TimeFrame): boolean {
  return endOf(task, frame.toMs) >= frame.fromMs
}

function endOf(task: Task, nowMs: number): number {
  return isFinished(task.status) && task.completed_at !== null ? Date.parse(task.completed_at) : nowMs
}

function Shares({ runs, frame }: { readonly runs: readonly Task[]; readonly frame: TimeFrame }) {
  const shares = sharesOf(runs, frame)
  return shares.map(({ busy, failed }, index) =>
    busy === 0 ? null : (
      <span
        // biome-ignore lint/suspicious/noArrayIndexKey: a cell is its place in time
        key={index}
        className={`lane-share fill-${failed > 0 ? 'failed' : 'completed'}`}
        title={`${busy.toFixed(1)} at once, ${failed} failed`}
        style={{
          left: `${(index / shares.length) * 100}%`,
          width: `${100 / shares.length}%`,
          height: `${Math.min(100, Math.max(12, busy * 12))}%`,
        }}
      />
    ),
  )
}

function Run({ task, row, frame }: { readonly task: Task; readonly row: number; readonly frame: TimeFrame }) {
  const navigate = useNavigate()
  const length = frame.toMs - frame.fromMs
  const from = Math.max(frame.fromMs, Date.parse(task.started_at ?? ''))
  const to = endOf(task, frame.toMs)
  const open = () => void navigate({ to: '/tasks/$id', params: { id: task.task_id } })
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a picture with shortcuts for the mouse; the links are in the lists
    // biome-ignore lint/a11y/useKeyWithClickEvents: as above
    <span
      className={`lane-run fill-${toneOf(task.status)}`}
      title={`${task.name ?? task.task_type}: ${task.status}, ${span(Math.max(0, to - from))}`}
      onClick={open}
      style={{
        top: 3 + row * 8,
        left: `${((from - frame.fromMs) / length) * 100}%`,
        width: `max(2px, ${(Math.max(0, to - from) / length) * 100}%)`,
      }}
    />
  )
}
