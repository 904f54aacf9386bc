import { Link } from '@tanstack/react-router'
import { isFinished, type Task } from '@tasklane/protocol'
import { ArrowUpDown, Ban, ChevronLeft, Pencil, RotateCcw, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Bar, Button, CopyButton } from '../../parts/basic.tsx'
import { State } from '../../parts/state.tsx'
import { useKeys } from '../../shell/keys.ts'
import { useMay } from '../../shell/me.ts'
import { draftOf, submitDrawer } from '../../submit/drafts.ts'
import { type Question, Questions } from './questions.tsx'

export function Head({ task }: { readonly task: Task }) {
  const mayChange = useMay('tasks.change')
  const maySubmit = useMay('tasks.submit')
  const [question, setQuestion] = useState<Question>(null)
  const isEnded = isFinished(task.status)
  const canRetry = mayChange && (task.status === 'failed' || task.status === 'cancelled')
  const canCancel = mayChange && !isEnded
  const rerun = () => submitDrawer.set(draftOf(task))
  useKeys({
    c: () => (canCancel ? setQuestion('cancel') : undefined),
    r: () => (canRetry ? setQuestion('retry') : undefined),
    e: () => (maySubmit ? rerun() : undefined),
  })
  return (
    <header className="task-head">
      <Link to="/tasks" className="back">
        <ChevronLeft size={15} aria-hidden="true" /> Tasks
      </Link>
      <div className="task-title">
        <State state={task.status} />
        <h1>{task.name ?? task.task_type}</h1>
        <code className="faint task-id">{task.task_id}</code>
        <CopyButton text={task.task_id} label="Copy the id" />
      </div>
      <div className="page-actions">
        {canCancel ? (
          <Button icon={Ban} onClick={() => setQuestion('cancel')}>
            Cancel
          </Button>
        ) : null}
        {canRetry ? (
          <Button look="primary" icon={RotateCcw} onClick={() => setQuestion('retry')}>
            Retry
          </Button>
        ) : null}
        {mayChange && !isEnded && task.status !== 'running' ? (
          <Button icon={ArrowUpDown} onClick={() => setQuestion('priority')}>
            Priority
          </Button>
        ) : null}
        {maySubmit ? (
          <Button icon={Pencil} onClick={rerun}>
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

function Progress({ task }: { readonly task: Task }) {
  if (task.status !== 'running' || task.progress === null) return null
  const { percent, message } = task.progress
  return (
    <div className="progress">
      <Bar percent={percent} label={`${Math.round(percent)} per cent done`} />
      <span className="number">{Math.round(percent)} %</span>
      <span className="faint clip">{message}</span>
    </div>
  )
}
