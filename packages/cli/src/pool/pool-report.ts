import type { Output } from '../output/output.ts'
import { formatAge, formatDuration, formatPlural } from '../output/quantities.ts'
import type { PoolView, WorkerView, WorkerViewState } from './pool-view.ts'
import type { PoolWish } from './wish.ts'

const words: Readonly<Record<WorkerViewState, string>> = {
  up: 'up',
  starting: 'starting',
  disconnected: 'no scheduler',
  silent: 'no answer',
  waiting: 'waiting',
  given_up: 'given up',
  drained: 'sent away',
  stopping: 'stopping',
  down: 'down',
}

export function renderPool(view: PoolView, output: Output, nowMs: number): string {
  if (view.supervisor === null) return `No pool runs here (${view.state_dir}). Start one: tasklane workers start`
  const table =
    view.workers.length === 0
      ? 'No workers now.'
      : output.table(view.workers, [
          { title: 'worker', text: worker => worker.worker_id },
          { title: 'pid', text: worker => String(worker.pid ?? '-'), align: 'right' },
          {
            title: 'state',
            text: worker => sayState(worker, nowMs),
            style: (text, worker) => output.paint(colourOf(worker), text),
          },
          {
            title: 'uptime',
            text: worker =>
              worker.started_at === null ? '-' : formatDuration(Math.max(0, nowMs - Date.parse(worker.started_at))),
          },
          { title: 'restarts', text: worker => String(worker.restarts), align: 'right' },
          { title: 'port', text: worker => String(worker.port), align: 'right' },
          {
            title: 'tasks',
            text: ({ running_tasks, slots }) => (running_tasks === null ? '-' : `${running_tasks}/${slots ?? '-'}`),
            align: 'right',
          },
          {
            title: 'last exit',
            text: ({ last_exit }) => (last_exit === null ? '-' : `${last_exit.how}, ${formatAge(last_exit.at, nowMs)}`),
            shrinks: true,
          },
        ])
  return [table, '', ...sayPool(view, output, nowMs)].join('\n')
}

function sayPool(view: PoolView, output: Output, nowMs: number): readonly string[] {
  const { supervisor, wanted, scaling } = view
  const size =
    wanted === null
      ? ''
      : wanted.min === wanted.max
        ? `${formatPlural(wanted.min, 'worker')} wanted`
        : `from ${wanted.min} to ${formatPlural(wanted.max, 'worker')}`
  const lines = [
    supervisor?.state === 'running'
      ? `Supervisor: process ${supervisor.pid}; ${size}. Logs: ${view.state_dir}/logs`
      : output.paint(
          'red',
          'The supervisor is gone: nobody starts workers that die. Repair it: tasklane workers start',
        ),
  ]
  if (scaling !== null) lines.push(`Size, ${formatAge(scaling.at, nowMs)}: ${scaling.reason}`)
  if (view.workers.some(worker => worker.state === 'given_up')) {
    const way = 'see what they said with `tasklane workers logs`, then try again with `tasklane workers start`'
    lines.push(output.paint('red', `Workers that died ten times in a row are given up: ${way}.`))
  }
  return lines
}

function sayState(worker: WorkerView, nowMs: number): string {
  const word = words[worker.state]
  if (worker.state !== 'waiting' || worker.restart_at === null) return word
  return `${word}, again ${formatAge(worker.restart_at, nowMs)}`
}

function colourOf({ state }: WorkerView): 'green' | 'yellow' | 'red' {
  if (state === 'up') return 'green'
  return state === 'down' || state === 'given_up' || state === 'silent' ? 'red' : 'yellow'
}

/** What `start` has changed, in a few lines. */
export function sayStarted(parts: {
  readonly before: PoolView
  readonly view: PoolView
  readonly wish: PoolWish
}): string {
  const { before, view, wish } = parts
  const had = new Set(before.workers.filter(({ pid }) => pid !== null).map(({ worker_id }) => worker_id))
  const staying = view.workers.filter(worker => worker.state !== 'stopping')
  const fresh = staying.filter(worker => worker.pid !== null && !had.has(worker.worker_id))
  const leaving = view.workers.filter(worker => worker.state === 'stopping')
  const lines: string[] = []
  if (before.supervisor?.state === 'gone')
    lines.push(`A supervisor is there again; it has taken over ${formatPlural(had.size, 'worker')}.`)
  if (fresh.length > 0) lines.push(`Started ${fresh.map(worker => worker.worker_id).join(', ')}.`)
  if (leaving.length > 0)
    lines.push(`${leaving.map(worker => worker.worker_id).join(', ')} finish what they run and go.`)
  if (lines.length === 0) {
    lines.push(
      staying.length === 0
        ? 'No workers are needed now.'
        : `${formatPlural(staying.length, 'worker runs', 'workers run')} already.`,
    )
  }
  const [first, ...others] = staying.map(worker => worker.port)
  const last = others.at(-1)
  const ports =
    last === undefined
      ? `port ${first}`
      : wish.httpPort === 0
        ? `ports ${[first, ...others].join(', ')}`
        : `ports ${first} to ${last}`
  if (first !== undefined) lines.push(`Health and metrics: ${ports} of ${wish.httpHost}. Logs: ${view.state_dir}/logs`)
  if (staying.some(worker => ['disconnected', 'starting'].includes(worker.state))) {
    const at = wish.urls.join(', ')
    lines.push(
      `They are not registered at ${at} yet and go on trying; \`tasklane workers logs\` says what is in the way.`,
    )
  }
  return lines.join('\n')
}
