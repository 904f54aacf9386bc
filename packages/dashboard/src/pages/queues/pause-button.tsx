import { useQueryClient } from '@tanstack/react-query'
import { limits, type Queue, type QueueChange } from '@tasklane/protocol'
import { Pause, Pencil, Play } from 'lucide-react'
import { useState } from 'react'
import { send } from '../../api/http.ts'
import { Button } from '../../parts/basic.tsx'
import { TextField } from '../../parts/fields.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { useMay } from '../../shell/me.ts'
import { toast, toastError } from '../../shell/toasts.tsx'

interface PauseProps {
  readonly queue: Queue
}

/** Asks why before it pauses; resumes at once. */
export function PauseButton({ queue }: PauseProps) {
  const mayChange = useMay('queues.change')
  const set = useSetQueue(queue)
  const [isBusy, setBusy] = useState(false)
  const [isAsking, setAsking] = useState(false)
  const resume = async () => {
    setBusy(true)
    try {
      await set({ paused: false })
      toast('good', `Queue ${queue.name} goes on.`)
    } catch (error) {
      toastError(error)
    } finally {
      setBusy(false)
    }
  }
  if (!mayChange) return null
  return (
    <>
      {queue.paused ? (
        <Button isSmall icon={Play} disabled={isBusy} onClick={() => void resume()}>
          Resume
        </Button>
      ) : (
        <Button isSmall icon={Pause} onClick={() => setAsking(true)}>
          Pause
        </Button>
      )}
      {isAsking ? <PauseDialog queue={queue} onClose={() => setAsking(false)} /> : null}
    </>
  )
}

/** For a queue that is paused: somebody says why after all, or knows better by now. */
export function ReasonButton({ queue }: PauseProps) {
  const mayChange = useMay('queues.change')
  const [isAsking, setAsking] = useState(false)
  if (!mayChange || !queue.paused) return null
  const verb = (queue.pause?.reason ?? null) === null ? 'Say why' : 'Change the reason'
  return (
    <>
      <Button isSmall look="ghost" icon={Pencil} onClick={() => setAsking(true)}>
        {verb}
      </Button>
      {isAsking ? <PauseDialog queue={queue} onClose={() => setAsking(false)} /> : null}
    </>
  )
}

/** Enter pauses, with a reason or without one. */
function PauseDialog({ queue, onClose }: PauseProps & { readonly onClose: () => void }) {
  const { name } = queue
  // What the question was about, also when somebody else was faster.
  const [wasPaused] = useState(queue.paused)
  const [reason, setReason] = useState(queue.pause?.reason ?? '')
  const set = useSetQueue(queue)
  const said = reason.trim()
  const pause = async () => {
    await set({ paused: true, ...(said === '' ? {} : { reason: said }) })
    toast('good', wasPaused ? `It is told why queue ${name} is paused.` : `Queue ${name} is paused; what runs goes on.`)
    onClose()
  }
  return (
    <FormDialog
      title={wasPaused ? `Why is queue ${name} paused?` : `Pause queue ${name}?`}
      verb={wasPaused ? 'Save' : 'Pause'}
      fields={['reason']}
      isReady={!wasPaused || said !== ''}
      onClose={onClose}
      onSubmit={pause}
    >
      {faults => (
        <>
          {wasPaused ? null : (
            <p>Nothing more is claimed from it. What runs goes on, and tasks still come in and wait.</p>
          )}
          <TextField
            label={wasPaused ? 'Reason' : 'Reason (optional)'}
            placeholder="Deploying the new mailer"
            hint="Everybody sees it who looks at the queue or at a task that waits in it."
            maxLength={limits.pauseReasonCharsMax}
            autoComplete="off"
            value={reason}
            onValue={setReason}
            fault={faults.reason}
          />
        </>
      )}
    </FormDialog>
  )
}

/** What the scheduler answers is shown at once, before the list is read anew. */
function useSetQueue({ name }: Queue): (change: QueueChange) => Promise<void> {
  const client = useQueryClient()
  return async change => {
    try {
      const written = await send<Queue>('PATCH', `api/queues/${encodeURIComponent(name)}`, change)
      client.setQueryData(['queues'], (old: { readonly queues: readonly Queue[] } | undefined) =>
        old === undefined
          ? old
          : { ...old, queues: old.queues.map(each => (each.name === name ? { ...each, ...written } : each)) },
      )
    } finally {
      void client.invalidateQueries({ queryKey: ['queues'] })
      void client.invalidateQueries({ queryKey: ['attention'] })
    }
  }
}
