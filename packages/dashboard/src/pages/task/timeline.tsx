import { useQuery } from '@tanstack/react-query'
import { type Attempt, isFinished, type Task } from '@tasklane/protocol'
import { attemptsQuery } from '../../api/queries.ts'
import { useInterval } from '../../live/live.ts'
import { Skeleton } from '../../parts/basic.tsx'
import { span } from '../../parts/format.ts'
import { State, toneOf } from '../../parts/state.tsx'
import { Lasted, Time, useNow } from '../../parts/time.tsx'

/** Waits and attempts on one line of time, and each attempt in words below. */
export function Timeline({ task }: { readonly task: Task }) {
  const interval = useInterval(2_000, 15_000)
  const { data: attempts, error } = useQuery({
    ...attemptsQuery(task.task_id),
    refetchInterval: isFinished(task.status) ? false : interval,
  })
  if (attempts === undefined) return error === null ? <Skeleton rows={2} /> : <p className="faint">{error.message}</p>
  return (
    <>
      <Line task={task} attempts={attempts} />
      {attempts.length === 0 ? (
        <p className="faint">No attempt has begun yet.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
        <section className="scroll-x" tabIndex={0} aria-label="Attempts">
          <table className="table small-table">
            <thead>
              <tr>
                <th scope="col">Attempt</th>
                <th scope="col">Outcome</th>
                <th scope="col">Worker</th>
                <th scope="col">Started</th>
                <th scope="col">Ran</th>
                <th scope="col">Error</th>
              </tr>
            </thead>
            <tbody>
              {attempts.map(attempt => (
                <AttemptRow key={attempt.epoch} attempt={attempt} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </>
  )
}

function AttemptRow({ attempt }: { readonly attempt: Attempt }) {
  const { error } = attempt
  return (
    <tr>
      <td className="number">{attempt.attempt}</td>
      <td>
        <State state={attempt.outcome} />
      </td>
      <td>{attempt.worker_id ?? '–'}</td>
      <td>
        <Time at={attempt.started_at} />
      </td>
      <td>
        <Lasted from={attempt.started_at} to={attempt.ended_at} />
      </td>
      <td className="attempt-error">
        {error === null ? (
          <span className="faint">–</span>
        ) : (
          <details>
            <summary>
              <code>{error.code}</code> {error.message}
            </summary>
            <pre className="json-text">{error.stack ?? error.message}</pre>
          </details>
        )}
      </td>
    </tr>
  )
}

interface Piece {
  readonly from: number
  readonly to: number
  readonly tone: string
  readonly text: string
}

function Line({ task, attempts }: { readonly task: Task; readonly attempts: readonly Attempt[] }) {
  const now = useNow()
  const begin = Date.parse(task.created_at)
  const lastEnd = attempts.at(-1)?.ended_at ?? task.completed_at
  const end = task.completed_at !== null ? Date.parse(lastEnd ?? task.completed_at) : Math.max(now, begin + 1)
  const total = Math.max(1, end - begin)
  const pieces = piecesOf(task, attempts, begin, end)
  return (
    <div className="timeline">
      <div className="timeline-bar" role="img" aria-label={pieces.map(piece => piece.text).join('; ')}>
        {pieces.map(piece => (
          <div
            key={`${piece.from}${piece.text}`}
            className={`timeline-piece fill-${piece.tone}`}
            title={piece.text}
            style={{
              left: `${((piece.from - begin) / total) * 100}%`,
              width: `max(3px, ${((piece.to - piece.from) / total) * 100}%)`,
            }}
          />
        ))}
      </div>
      <div className="timeline-ends faint">
        <span>
          created <Time at={task.created_at} />
        </span>
        <span>{span(total)}</span>
        <span>{task.completed_at === null ? 'now' : <Time at={task.completed_at} />}</span>
      </div>
    </div>
  )
}

function piecesOf(task: Task, attempts: readonly Attempt[], begin: number, end: number): readonly Piece[] {
  const pieces: Piece[] = []
  let at = begin
  for (const { started_at, ended_at, outcome, attempt } of attempts) {
    const from = Date.parse(started_at)
    const to = ended_at === null ? end : Date.parse(ended_at)
    if (from > at) pieces.push({ from: at, to: from, tone: 'waiting', text: `waited ${span(from - at)}` })
    pieces.push({ from, to, tone: toneOf(outcome), text: `attempt ${attempt} ${outcome}, ${span(to - from)}` })
    at = Math.max(at, to)
  }
  if (!isFinished(task.status) && end > at && task.status !== 'running')
    pieces.push({ from: at, to: end, tone: 'waiting', text: `waits for ${span(end - at)}` })
  if (attempts.length === 0 && isFinished(task.status))
    pieces.push({ from: begin, to: end, tone: toneOf(task.status), text: `${task.status} before it ran` })
  return pieces
}
