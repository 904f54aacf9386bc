import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { isFinished, type Task, type Worker } from '@tasklane/protocol'
import { fewTasksQuery } from '../api/queries.ts'
import { useInterval } from '../live/live.ts'
import { Panel } from '../parts/basic.tsx'
import { span } from '../parts/format.ts'
import { toneOf } from '../parts/state.tsx'
import { useNow } from '../parts/time.tsx'

const windowMs = 120_000
const lanesMax = 30

/** What each worker ran over the last two minutes, one lane for each. */
export function Lanes({ workers }: { readonly workers: readonly Worker[] }) {
  const now = useNow()
  const interval = useInterval(2_000, 4_000)
  const states = 'running,completed,failed,cancelled'
  const { data: tasks } = useQuery({ ...fewTasksQuery({ status: states }, 500), refetchInterval: interval })
  const begin = now - windowMs
  const lanes = new Map<string, Task[]>(workers.slice(0, lanesMax).map(worker => [worker.worker_id, []]))
  for (const task of tasks ?? []) {
    if (task.worker_id === null || task.started_at === null) continue
    if (task.completed_at !== null && Date.parse(task.completed_at) < begin) continue
    lanes.get(task.worker_id)?.push(task)
  }
  return (
    <Panel title="The last two minutes" side={<span className="faint">of the 500 newest tasks</span>}>
      <div className="lanes">
        {[...lanes].map(([worker, runs]) => (
          <Lane key={worker} worker={worker} runs={runs} begin={begin} now={now} />
        ))}
      </div>
    </Panel>
  )
}

interface LaneProps {
  readonly worker: string
  readonly runs: readonly Task[]
  readonly begin: number
  readonly now: number
}

function Lane({ worker, runs, begin, now }: LaneProps) {
  const { placed, height } = rowsOf(runs)
  return (
    <div className="lane">
      <span className="lane-name clip" title={worker}>
        {worker}
      </span>
      <div
        className="lane-track"
        role="img"
        aria-label={`${worker}: ${runs.length} tasks in the last two minutes`}
        style={{ height: 4 + 8 * Math.max(2, height) }}
      >
        {placed.map(([task, row]) => (
          <Run key={task.task_id} task={task} row={row} begin={begin} now={now} />
        ))}
      </div>
    </div>
  )
}

interface Rows {
  readonly placed: readonly (readonly [task: Task, row: number])[]
  readonly height: number
}

const rowsMax = 10

/** Tasks that ran side by side stand below each other; each takes the first row that is free. */
function rowsOf(runs: readonly Task[]): Rows {
  const freeAt: number[] = []
  const placed = runs
    .toSorted((one, other) => Date.parse(one.started_at ?? '') - Date.parse(other.started_at ?? ''))
    .map(task => {
      const from = Date.parse(task.started_at ?? '')
      const found = freeAt.findIndex(at => at <= from)
      const row = found === -1 ? Math.min(freeAt.length, rowsMax - 1) : found
      freeAt[row] = task.completed_at === null ? Number.POSITIVE_INFINITY : Date.parse(task.completed_at)
      return [task, row] as const
    })
  return { placed, height: freeAt.length }
}

interface RunProps {
  readonly task: Task
  readonly row: number
  readonly begin: number
  readonly now: number
}

function Run({ task, row, begin, now }: RunProps) {
  const navigate = useNavigate()
  const from = Math.max(begin, Date.parse(task.started_at ?? ''))
  const to = isFinished(task.status) && task.completed_at !== null ? Date.parse(task.completed_at) : now
  const open = () => void navigate({ to: '/tasks/$id', params: { id: task.task_id } })
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a picture with shortcuts for the mouse; the links are in the cards and in the list
    // biome-ignore lint/a11y/useKeyWithClickEvents: as above
    <span
      className={`lane-run fill-${toneOf(task.status)}`}
      title={`${task.name ?? task.task_type}: ${task.status}, ${span(Math.max(0, to - from))}`}
      onClick={open}
      style={{
        top: 3 + row * 8,
        left: `${((from - begin) / windowMs) * 100}%`,
        width: `max(2px, ${(Math.max(0, to - from) / windowMs) * 100}%)`,
      }}
    />
  )
}
