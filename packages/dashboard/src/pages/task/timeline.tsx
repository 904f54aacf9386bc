import { useQuery } from '@tanstack/react-query'
import { isFinished, type Task } from '@tasklane/protocol'
import { useState } from 'react'
import { attemptsQuery } from '../../api/queries.ts'
import { useInterval } from '../../live/live.ts'
import { Button, Skeleton } from '../../parts/basic.tsx'
import { plural, span } from '../../parts/format.ts'
import { State, toneOf } from '../../parts/state.tsx'
import { Lasted, Time, useNow } from '../../parts/time.tsx'
import { ErrorText } from './error-panel.tsx'
import { WorkerLink } from './links.tsx'
import { type Step, storyOf, timesOf } from './story.ts'

/** A task that was released a thousand times has as many; the newest tell the most. */
const stepsShown = 50

/** Waits and attempts, each on its own line of one time, with the branch that each took. */
export function Timeline({ task }: { readonly task: Task }) {
  const interval = useInterval(2_000, 15_000)
  const [isAll, setAll] = useState(false)
  const { data: attempts, error } = useQuery({
    ...attemptsQuery(task.task_id),
    refetchInterval: isFinished(task.status) ? false : interval,
  })
  const now = useNow()
  if (attempts === undefined) return error === null ? <Skeleton rows={2} /> : <p className="faint">{error.message}</p>
  const steps = storyOf(task, attempts)
  const axis = axisOf(task, steps, now)
  const shown = isAll ? steps : steps.slice(-stepsShown)
  return (
    <div className="story">
      <Summary task={task} steps={steps} now={now} />
      <ol className="steps" aria-label="Attempts">
        {shown.length < steps.length ? (
          <li className="step-more">
            <Button isSmall onClick={() => setAll(true)}>
              Show the {plural(steps.length - shown.length, 'earlier attempt')}
            </Button>
          </li>
        ) : null}
        {shown.map(step => (
          <StepRow key={step.attempt.epoch} step={step} axis={axis} now={now} />
        ))}
        <Waiting task={task} steps={steps} axis={axis} now={now} />
      </ol>
      <div className="timeline-ends faint">
        <span>
          created <Time at={task.created_at} />
        </span>
        <span>{span(axis.toMs - axis.fromMs)}</span>
        <span>{task.completed_at === null ? 'now' : <Time at={task.completed_at} />}</span>
      </div>
    </div>
  )
}

function Summary({ task, steps, now }: { readonly task: Task; readonly steps: readonly Step[]; readonly now: number }) {
  const { waitedMs, ranMs } = timesOf(steps, now)
  if (steps.length === 0)
    return (
      <p className="faint">
        {isFinished(task.status) ? `It was ${task.status} before it ran.` : 'No attempt has begun yet.'}
      </p>
    )
  return (
    <p className="faint">
      {plural(steps.length, 'attempt')}, waited {span(waitedMs)} in all, ran {span(ranMs)}.
    </p>
  )
}

interface Axis {
  readonly fromMs: number
  readonly toMs: number
}

function axisOf(task: Task, steps: readonly Step[], now: number): Axis {
  const fromMs = Date.parse(task.created_at)
  const last = steps.at(-1)?.toMs ?? null
  const ends = task.completed_at === null ? now : Math.max(last ?? 0, Date.parse(task.completed_at))
  return { fromMs, toMs: Math.max(fromMs + 1, ends) }
}

interface StepProps {
  readonly step: Step
  readonly axis: Axis
  readonly now: number
}

function StepRow({ step, axis, now }: StepProps) {
  const { attempt, branch } = step
  return (
    <li className="step" data-epoch={attempt.epoch}>
      <div className="step-line">
        <span className="step-name">
          <span className="number" title={`Epoch ${attempt.epoch}`}>
            {attempt.attempt}
          </span>
          <State state={attempt.outcome} />
        </span>
        <Track axis={axis} pieces={piecesOf(step, now)} label={`Attempt ${attempt.attempt}`} />
        <span className="step-times number">
          <Lasted from={attempt.started_at} to={attempt.ended_at} />
        </span>
      </div>
      <p className="step-facts faint">
        {attempt.worker_id === null ? <span>by hand</span> : <WorkerLink id={attempt.worker_id} />}
        <span>epoch {attempt.epoch}</span>
        <span>
          began <Time at={attempt.started_at} />
          {step.fromMs > step.waitedFromMs ? ` after ${span(step.fromMs - step.waitedFromMs)}` : ''}
        </span>
        <span className="step-branch">↳ {branch}</span>
      </p>
      {attempt.error === null ? null : (
        <details className="step-error">
          <summary>
            <code>{attempt.error.code}</code> <span className="clip">{attempt.error.message}</span>
          </summary>
          <ErrorText error={attempt.error} />
        </details>
      )}
    </li>
  )
}

/** The wait that has not ended yet. */
function Waiting({ task, steps, axis, now }: { task: Task; steps: readonly Step[]; axis: Axis; now: number }) {
  if (isFinished(task.status) || task.status === 'running') return null
  const fromMs = steps.at(-1)?.toMs ?? axis.fromMs
  const text = `waits for ${span(now - fromMs)}`
  return (
    <li className="step">
      <div className="step-line">
        <span className="step-name">
          <span className="number" />
          <State state={task.status} />
        </span>
        <Track axis={axis} pieces={[{ fromMs, toMs: now, tone: 'waiting', text }]} label="Now" />
        <span className="step-times number">{span(Math.max(0, now - fromMs))}</span>
      </div>
    </li>
  )
}

interface Piece {
  readonly fromMs: number
  readonly toMs: number
  readonly tone: string
  readonly text: string
}

function piecesOf({ attempt, waitedFromMs, fromMs, toMs }: Step, now: number): readonly Piece[] {
  const endMs = Math.max(fromMs, toMs ?? now)
  const ran = {
    fromMs,
    toMs: endMs,
    tone: toneOf(attempt.outcome),
    text: `attempt ${attempt.attempt} ${attempt.outcome}, ${span(endMs - fromMs)}`,
  }
  if (fromMs <= waitedFromMs) return [ran]
  return [{ fromMs: waitedFromMs, toMs: fromMs, tone: 'waiting', text: `waited ${span(fromMs - waitedFromMs)}` }, ran]
}

function Track({
  axis,
  pieces,
  label,
}: {
  readonly axis: Axis
  readonly pieces: readonly Piece[]
  readonly label: string
}) {
  const total = axis.toMs - axis.fromMs
  const share = (ms: number) => `${(Math.max(0, ms) / total) * 100}%`
  return (
    <div className="timeline-bar" role="img" aria-label={`${label}: ${pieces.map(piece => piece.text).join('; ')}`}>
      {pieces.map(({ fromMs, toMs, tone, text }) => (
        <div
          key={tone}
          className={`timeline-piece fill-${tone}`}
          title={text}
          style={{ left: share(fromMs - axis.fromMs), width: `max(3px, ${share(toMs - fromMs)})` }}
        />
      ))}
    </div>
  )
}
