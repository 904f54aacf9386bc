import { Link } from '@tanstack/react-router'
import { isFinished, type Task } from '@tasklane/protocol'
import { ArrowUpDown, Ban, ChevronLeft, ChevronRight, Pencil, RotateCcw, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Bar, Button, CopyButton } from '../../parts/basic.tsx'
import { exactCount, span } from '../../parts/format.ts'
import { State } from '../../parts/state.tsx'
import { useNow } from '../../parts/time.tsx'
import { useKeys } from '../../shell/keys.ts'
import { useMay } from '../../shell/me.ts'
import { draftOf, submitDrawer } from '../../submit/drafts.ts'
import { type Question, Questions } from './questions.tsx'
import { etaMs } from './story.ts'
import { useWalk } from './walk.ts'

interface HeadProps {
  readonly task: Task
  /** Of a task that was deleted while its page was open nothing is left to act on. */
  readonly isGone: boolean
}

export function Head({ task, isGone }: HeadProps) {
  const mayChange = useMay('tasks.change') && !isGone
  const maySubmit = useMay('tasks.submit')
  const [question, setQuestion] = useState<Question>(null)
  const isEnded = isFinished(task.status)
  const canRetry = mayChange && (task.status === 'failed' || task.status === 'cancelled')
  const canCancel = mayChange && !isEnded
  const canMove = canCancel && task.status !== 'running'
  const rerun = () => submitDrawer.set(draftOf(task))
  useKeys({
    c: () => (canCancel ? setQuestion('cancel') : undefined),
    r: () => (canRetry ? setQuestion('retry') : undefined),
    p: () => (canMove ? setQuestion('priority') : undefined),
    e: () => (maySubmit ? rerun() : undefined),
  })
  return (
    <header className="task-head">
      <Way id={task.task_id} />
      <div className="task-title">
        <State state={task.status} />
        <h1>{task.name ?? task.task_type}</h1>
        <code className="faint task-id">{task.task_id}</code>
        <CopyButton text={task.task_id} label="Copy the id" />
      </div>
      <div className="page-actions">
        {canCancel ? (
          <Button icon={Ban} title="Cancel (c)" onClick={() => setQuestion('cancel')}>
            Cancel
          </Button>
        ) : null}
        {canRetry ? (
          <Button look="primary" icon={RotateCcw} title="Retry (r)" onClick={() => setQuestion('retry')}>
            Retry
          </Button>
        ) : null}
        {canMove ? (
          <Button icon={ArrowUpDown} title="Set its priority (p)" onClick={() => setQuestion('priority')}>
            Priority
          </Button>
        ) : null}
        {maySubmit ? (
          <Button icon={Pencil} title="Run again with edits (e)" onClick={rerun}>
            Run again…
          </Button>
        ) : null}
        {mayChange && isEnded ? (
          <Button look="ghost" icon={Trash2} label="Delete this task" onClick={() => setQuestion('delete')} />
        ) : null}
      </div>
      {task.description === null ? null : <p className="task-description">{task.description}</p>}
      <Progress task={task} />
      <Questions task={task} question={question} onClose={() => setQuestion(null)} />
    </header>
  )
}

/** Back to the list with its filters, and on to the neighbours in it. */
function Way({ id }: { readonly id: string }) {
  const { origin, place, previous, next } = useWalk(id)
  useKeys({ '[': () => previous?.(), ']': () => next?.() })
  return (
    <nav className="task-way" aria-label="The list of tasks">
      {origin.kind === 'page' ? (
        <a href={origin.path} className="back">
          <ChevronLeft size={15} aria-hidden="true" /> {origin.text}
        </a>
      ) : (
        <Link to="/tasks" search={origin.search} className="back">
          <ChevronLeft size={15} aria-hidden="true" /> Tasks
        </Link>
      )}
      {place === null || place.of < 2 ? null : (
        <span className="task-walk">
          <Button
            look="ghost"
            isSmall
            icon={ChevronLeft}
            label="Previous in the list"
            title="Previous in the list ([)"
            disabled={previous === null}
            onClick={() => previous?.()}
          />
          <span className="faint number">
            {exactCount(place.at)} of {exactCount(place.of)}
            {place.hasMore ? '+' : ''}
          </span>
          <Button
            look="ghost"
            isSmall
            icon={ChevronRight}
            label="Next in the list"
            title="Next in the list (])"
            disabled={next === null}
            onClick={() => next?.()}
          />
        </span>
      )}
    </nav>
  )
}

/** How far it is, and what is left at this pace; after an end that was none, how far it came. */
function Progress({ task }: { readonly task: Task }) {
  const now = useNow()
  if (task.progress === null || task.status === 'completed') return null
  const { percent, message } = task.progress
  const isRunning = task.status === 'running'
  const left = etaMs(task, now)
  return (
    <div className="progress">
      <Bar
        percent={percent}
        tone={isRunning ? 'running' : task.status === 'failed' ? 'failed' : 'cancelled'}
        label={`${Math.round(percent)} per cent done`}
      />
      <span className="number">{Math.round(percent)} %</span>
      {left === null ? null : (
        <span className="faint number">about {span(Math.max(1_000, Math.round(left / 1_000) * 1_000))} left</span>
      )}
      <span className="faint clip">
        {isRunning ? '' : 'It came so far. '}
        {message}
      </span>
    </div>
  )
}
