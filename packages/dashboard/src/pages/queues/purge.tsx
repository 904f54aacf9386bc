import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { BulkAction, BulkReply, Queue } from '@tasklane/protocol'
import { Eraser } from 'lucide-react'
import { useState } from 'react'
import { send } from '../../api/http.ts'
import { Button } from '../../parts/basic.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { exactCount, plural } from '../../parts/format.ts'
import { useMay } from '../../shell/me.ts'
import { toast } from '../../shell/toasts.tsx'

const waiting = 'pending,scheduled,blocked'
const ended = 'completed,failed,cancelled'

function bulk(action: BulkAction, queue: string, status: string, isTrial: boolean): Promise<BulkReply> {
  const filter = { queue, status }
  const reason = action === 'cancel' ? { reason: `Queue ${queue} was purged from the dashboard`.slice(0, 256) } : {}
  return send<BulkReply>('POST', 'api/tasks/bulk', { action, filter, ...reason, ...(isTrial ? { dry_run: true } : {}) })
}

/** Empties a queue that is paused, so that nothing is claimed while it goes on; counts before it asks. */
export function PurgeButton({ queue, isBrief = false }: { readonly queue: Queue; readonly isBrief?: boolean }) {
  const mayChange = useMay('tasks.change')
  const [isAsking, setAsking] = useState(false)
  if (!mayChange || !queue.paused) return null
  return (
    <>
      {isBrief ? (
        <Button isSmall look="ghost" icon={Eraser} label={`Purge ${queue.name}`} onClick={() => setAsking(true)} />
      ) : (
        <Button isSmall look="ghost" icon={Eraser} onClick={() => setAsking(true)}>
          Purge
        </Button>
      )}
      {isAsking ? <PurgeDialog queue={queue} onClose={() => setAsking(false)} /> : null}
    </>
  )
}

function PurgeDialog({ queue, onClose }: { readonly queue: Queue; readonly onClose: () => void }) {
  const client = useQueryClient()
  const [deletes, setDeletes] = useState(false)
  const impact = useQuery({
    queryKey: ['bulk', 'purge', queue.name],
    queryFn: async () => {
      const [cancels, removes] = await Promise.all([
        bulk('cancel', queue.name, waiting, true),
        bulk('delete', queue.name, ended, true),
      ])
      return { waiting: cancels.matched, ended: removes.matched }
    },
    staleTime: 0,
    gcTime: 0,
    retry: false,
  })
  const purge = async () => {
    const cancelled = await bulk('cancel', queue.name, waiting, false)
    // What was just cancelled has ended by now, and goes with the rest.
    const deleted = deletes ? await bulk('delete', queue.name, ended, false) : null
    toast('good', outcome(cancelled, deleted))
    void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'me' })
  }
  const counts = impact.data
  return (
    <Confirm
      title={`Purge queue ${queue.name}?`}
      verb="Purge"
      isDanger
      isOpen
      onClose={onClose}
      onConfirm={purge}
      typed={queue.name}
      isReady={counts !== undefined && counts.waiting + (deletes ? counts.ended : 0) > 0}
    >
      {impact.error === null ? null : <p className="fault">{impact.error.message}</p>}
      <p role="status">
        {counts === undefined ? (
          'Counting…'
        ) : (
          <>
            <strong>{plural(counts.waiting, 'task')}</strong> that wait, are scheduled or blocked will be cancelled, and
            with them the tasks of any queue that depend on them, unless those were told to proceed.
          </>
        )}
      </p>
      <p>What runs at this moment goes on. The queue stays paused.</p>
      <label className="tick">
        <input type="checkbox" checked={deletes} onChange={event => setDeletes(event.target.checked)} />
        {`Delete them, too, and the ${counts === undefined ? '' : exactCount(counts.ended)} that have ended`}
      </label>
      {deletes ? <p className="faint">They go with their results, attempts and logs. This cannot be undone.</p> : null}
    </Confirm>
  )
}

function outcome(cancelled: BulkReply, deleted: BulkReply | null): string {
  const words = Object.entries(cancelled.verdicts).map(
    ([verdict, count]) => `${exactCount(count)} ${verdict.replaceAll('_', ' ')}`,
  )
  const { removed = 0, needed = 0 } = deleted?.verdicts ?? {}
  if (deleted !== null) words.push(`${exactCount(removed)} deleted`)
  // A result that an unfinished task of another queue waits for stays.
  if (needed > 0) words.push(`${exactCount(needed)} kept for tasks that need them`)
  return words.length === 0 ? 'There was nothing to purge.' : `Purged: ${words.join(', ')}.`
}
