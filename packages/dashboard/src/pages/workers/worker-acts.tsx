import { useQueryClient } from '@tanstack/react-query'
import type { Worker } from '@tasklane/protocol'
import { LogOut, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { send } from '../../api/http.ts'
import { Button } from '../../parts/basic.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { plural } from '../../parts/format.ts'
import { useMay } from '../../shell/me.ts'
import { toast } from '../../shell/toasts.tsx'

/** Drain and deregister, each after a question that says what follows. */
export function WorkerActs({ worker }: { readonly worker: Worker }) {
  const client = useQueryClient()
  const mayChange = useMay('workers.change')
  const [question, setQuestion] = useState<'drain' | 'remove' | null>(null)
  const path = `api/workers/${encodeURIComponent(worker.worker_id)}`
  const close = () => setQuestion(null)
  const act = (method: string, where: string, done: string) => async () => {
    await send(method, where)
    toast('good', done)
    void client.invalidateQueries({ queryKey: ['workers'] })
  }
  if (!mayChange) return null
  return (
    <div className="worker-actions">
      {worker.status === 'active' ? (
        <Button isSmall icon={LogOut} onClick={() => setQuestion('drain')}>
          Drain
        </Button>
      ) : null}
      <Button isSmall look="ghost" icon={Trash2} onClick={() => setQuestion('remove')}>
        Deregister
      </Button>
      <Confirm
        title={`Drain ${worker.worker_id}?`}
        verb="Drain"
        isOpen={question === 'drain'}
        onClose={close}
        onConfirm={act('POST', `${path}/drain`, `${worker.worker_id} finishes what it holds and takes no more.`)}
      >
        <p>
          It finishes what it holds ({plural(worker.current_tasks.length, 'task')}), takes no more, and then leaves.
          This cannot be taken back: to have it again, start it again.
        </p>
      </Confirm>
      <Confirm
        title={`Deregister ${worker.worker_id}?`}
        verb="Deregister"
        isDanger
        isOpen={question === 'remove'}
        onClose={close}
        onConfirm={act('DELETE', path, `${worker.worker_id} is gone; what it held waits for another worker.`)}
      >
        <p>
          What it holds ({plural(worker.current_tasks.length, 'task')}) goes back into its queues at once. A worker that
          is still there registers again.
        </p>
      </Confirm>
    </div>
  )
}
