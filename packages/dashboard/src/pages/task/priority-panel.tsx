import { useQueryClient } from '@tanstack/react-query'
import { isFinished, limits, type Task } from '@tasklane/protocol'
import { ArrowUp } from 'lucide-react'
import { useState } from 'react'
import { send } from '../../api/http.ts'
import { taskQuery } from '../../api/queries.ts'
import { Button, Panel } from '../../parts/basic.tsx'
import { span } from '../../parts/format.ts'
import { useNow } from '../../parts/time.tsx'
import { useMay } from '../../shell/me.ts'
import { toast, toastError } from '../../shell/toasts.tsx'

/** Where a priority comes from, what it is worth, and a way to raise it where it stands. */
export function PriorityPanel({ task }: { readonly task: Task }) {
  const now = useNow()
  const isWaiting = !isFinished(task.status) && task.status !== 'running'
  const dueMs = Date.parse(task.run_at ?? task.created_at)
  return (
    <Panel title="Why this priority?">
      <div className="priority-line">
        <strong className="priority-value number">{task.priority}</strong>
        <div className="priority-scale" aria-hidden="true">
          {Array.from({ length: limits.priorityMax }, (_, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: steps of a scale never move
            <span key={index} className={index < Math.round(task.priority) ? 'on' : ''} />
          ))}
        </div>
        {isWaiting ? <Raise task={task} /> : null}
      </div>
      <dl className="facts">
        <div>
          <dt>From</dt>
          <dd>{sources[task.priority_source]}</dd>
        </div>
        <div>
          <dt>Worth</dt>
          <dd>Each level is a head start in time, an hour unless the scheduler was set otherwise.</dd>
        </div>
        <div>
          <dt>Age</dt>
          <dd>
            {isWaiting
              ? now < dueMs
                ? `It counts from when it is due, in ${span(dueMs - now)}.`
                : `Due for ${span(now - dueMs)}: the longer it waits, the fewer can overtake it.`
              : 'Among equals the older goes first; who waits long moves up.'}
          </dd>
        </div>
      </dl>
    </Panel>
  )
}

const sources: Readonly<Record<Task['priority_source'], string>> = {
  declared: 'It was said at the submit, or set since.',
  predicted: 'It was predicted from how such tasks ran before.',
  default: 'The submit said none, so the usual one holds.',
}

function Raise({ task }: { readonly task: Task }) {
  const client = useQueryClient()
  const mayChange = useMay('tasks.change')
  const [isBusy, setBusy] = useState(false)
  const next = Math.min(limits.priorityMax, Math.floor(task.priority) + 1)
  if (!mayChange || task.priority >= limits.priorityMax) return null
  const raise = async (priority: number) => {
    setBusy(true)
    try {
      const moved = await send<Task>('PATCH', `api/tasks/${encodeURIComponent(task.task_id)}`, { priority })
      client.setQueryData(taskQuery(task.task_id).queryKey, moved)
      toast('good', `Its priority is ${priority}.`)
      void client.invalidateQueries({ queryKey: ['task', task.task_id] })
    } catch (error) {
      toastError(error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <span className="priority-acts">
      <Button isSmall icon={ArrowUp} disabled={isBusy} onClick={() => void raise(next)}>
        Raise to {next}
      </Button>
      {next < limits.priorityMax ? (
        <Button isSmall disabled={isBusy} onClick={() => void raise(limits.priorityMax)}>
          To the top
        </Button>
      ) : null}
    </span>
  )
}
