import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Task } from '@tasklane/protocol'
import { ArrowDown, ArrowUp } from 'lucide-react'
import { taskQuery, whyQuery } from '../api/queries.ts'
import { Bar, Button, CopyButton, Failure, Skeleton } from '../parts/basic.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { JsonView } from '../parts/json-view.tsx'
import { State } from '../parts/state.tsx'
import { useMoments } from '../parts/time.tsx'
import { TaskFacts } from './task/facts.tsx'
import { reasonText } from './task/reason-text.ts'

interface PeekProps {
  readonly id: string
  readonly onClose: () => void
  /** Null at the ends of the list. */
  readonly onPrevious: (() => void) | null
  readonly onNext: (() => void) | null
}

/** A task beside the list: what one looks for most often, without leaving. */
export function TaskPeek({ id, onClose, onPrevious, onNext }: PeekProps) {
  const { data: task, error } = useQuery({ ...taskQuery(id), refetchInterval: 5_000 })
  const foot = (
    <>
      <Button
        look="ghost"
        icon={ArrowUp}
        label="Previous task"
        disabled={onPrevious === null}
        onClick={() => onPrevious?.()}
      />
      <Button look="ghost" icon={ArrowDown} label="Next task" disabled={onNext === null} onClick={() => onNext?.()} />
      <span className="push" />
      <Link to="/tasks/$id" params={{ id }} className="button button-primary">
        Open its page
      </Link>
    </>
  )
  return (
    <Dialog title={task?.name ?? task?.task_type ?? 'Task'} isOpen isDrawer onClose={onClose} foot={foot}>
      {task === undefined && error !== null ? <Failure error={error} /> : null}
      {task === undefined && error === null ? <Skeleton rows={8} /> : null}
      {task === undefined ? null : <Facts task={task} />}
    </Dialog>
  )
}

function Facts({ task }: { readonly task: Task }) {
  const isWaiting = task.status === 'pending' || task.status === 'blocked' || task.status === 'scheduled'
  const percent = task.status === 'running' ? task.progress?.percent : undefined
  return (
    <div className="task-peek">
      <p className="peek-id">
        <State state={task.status} />
        <code>{task.task_id}</code>
        <CopyButton text={task.task_id} label="Copy the id" />
      </p>
      {percent === undefined ? null : <Bar percent={percent} label={`${percent} per cent done`} />}
      {isWaiting ? <Reasons task={task} /> : null}
      {task.error === null ? null : (
        <section>
          <h3>
            Error <code className="error-code">{task.error.code}</code>
          </h3>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard */}
          <pre tabIndex={0}>{task.error.stack ?? task.error.message}</pre>
        </section>
      )}
      <dl>
        <TaskFacts task={task} />
      </dl>
      <section>
        <h3>Payload</h3>
        <JsonView value={task.payload} label="payload" fileName={`${task.task_id}-payload.json`} />
      </section>
      {task.status === 'completed' ? (
        <section>
          <h3>Result</h3>
          <JsonView value={task.result} label="result" fileName={`${task.task_id}-result.json`} />
        </section>
      ) : null}
    </div>
  )
}

function Reasons({ task }: { readonly task: Task }) {
  const { data } = useQuery({ ...whyQuery(task.task_id), refetchInterval: 5_000 })
  const tell = useMoments()
  return (
    <ul className="peek-why">
      {data?.reasons.map(reason => (
        <li key={reason.code}>{reasonText(reason, task, tell)}</li>
      ))}
    </ul>
  )
}
