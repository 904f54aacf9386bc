import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { Task } from '@tasklane/protocol'
import { useState } from 'react'
import { send } from '../../api/http.ts'
import { taskQuery } from '../../api/queries.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { toast, toastError } from '../../shell/toasts.tsx'
import { PriorityField } from '../task-actions.tsx'

export type Question = 'cancel' | 'retry' | 'priority' | 'delete' | null

export function Questions({ task, question, onClose }: { task: Task; question: Question; onClose: () => void }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const [priority, setPriority] = useState(Math.round(task.priority))
  const [withDependents, setWithDependents] = useState(true)
  const path = `api/tasks/${encodeURIComponent(task.task_id)}`
  const act = (method: string, where: string, body: unknown, done: string) => async () => {
    const next = await send<Task | null>(method, where, body)
    if (next !== null) client.setQueryData(taskQuery(task.task_id).queryKey, next)
    toast('good', done)
    void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === 'task' || queryKey[0] === 'stats' })
  }
  return (
    <>
      <Confirm
        title="Cancel this task?"
        verb="Cancel the task"
        isDanger
        isOpen={question === 'cancel'}
        onClose={onClose}
        onConfirm={act('POST', `${path}/cancel`, { reason: 'From the dashboard' }, 'Its cancel was asked for.')}
      >
        <p>
          {task.status === 'running'
            ? 'Its worker is asked to stop it; that takes until the next heartbeat.'
            : 'It will never run. Tasks that depend on it are cancelled, too, unless they were told to proceed.'}
        </p>
      </Confirm>
      <Confirm
        title="Retry this task?"
        verb="Retry"
        isOpen={question === 'retry'}
        onClose={onClose}
        onConfirm={act('POST', `${path}/retry`, { with_dependents: withDependents }, 'It waits to run again.')}
      >
        <p>It runs again under the same id, with a fresh budget of attempts.</p>
        <label className="tick">
          <input type="checkbox" checked={withDependents} onChange={event => setWithDependents(event.target.checked)} />
          Also the tasks that were cancelled because of it
        </label>
      </Confirm>
      <Confirm
        title="Set its priority"
        verb="Set"
        isOpen={question === 'priority'}
        onClose={onClose}
        onConfirm={act('PATCH', path, { priority }, `Its priority is ${priority}.`)}
      >
        <PriorityField value={priority} onChange={setPriority} />
      </Confirm>
      <Confirm
        title="Delete this task?"
        verb="Delete"
        isDanger
        isOpen={question === 'delete'}
        onClose={onClose}
        onConfirm={async () => {
          await send('DELETE', path)
          toast('good', 'The task is gone.')
          void client.invalidateQueries({ queryKey: ['tasks'] })
          await navigate({ to: '/tasks' }).catch(toastError)
        }}
      >
        <p>It goes with its result, attempts and log lines. This cannot be undone.</p>
      </Confirm>
    </>
  )
}
