import { useQueryClient } from '@tanstack/react-query'
import type { BulkAction, BulkReply, TaskFilterQuery } from '@tasklane/protocol'
import { useEffect, useRef, useState } from 'react'
import { send } from '../api/http.ts'
import { Button } from '../parts/basic.tsx'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { exactCount, plural } from '../parts/format.ts'
import { toast } from '../shell/toasts.tsx'

/** What an action is to be done to: rows that were ticked, or all that match. */
export type Target = { readonly ids: readonly string[] } | { readonly filter: TaskFilterQuery }

export interface Asked {
  readonly action: BulkAction
  readonly target: Target
  /** How many of those that were ticked it can be done to, as far as the list knows. */
  readonly fits?: number
  /** A retry, of those as well that were cancelled because of these. */
  readonly isWithDependents?: boolean
}

const words: Readonly<Record<BulkAction, readonly [verb: string, effect: string]>> = {
  cancel: ['Cancel', 'Those that wait will never run; those that run are asked to stop.'],
  retry: ['Retry', 'Those that failed or were cancelled run again, with a fresh budget of attempts.'],
  reprioritise: ['Set priority', 'Those that wait are sorted anew.'],
  delete: ['Delete', 'Finished tasks go with their results, attempts and log lines. This cannot be undone.'],
}

/** Above this many a person types the number first. */
const typedAbove = 1_000

/** Counts first, says what will happen, does it, and tells how it came out. */
export function BulkDialog({ asked, onClose }: { readonly asked: Asked; readonly onClose: (isDone: boolean) => void }) {
  const { action, target, fits, isWithDependents } = asked
  const client = useQueryClient()
  const [matched, setMatched] = useState<number | null>('ids' in target ? target.ids.length : null)
  const [priority, setPriority] = useState(8)
  // Read by the dialog when it is done, which knows the functions of the paint before.
  const done = useRef({ is: false, isToBeTold: false })
  const [outcome, setOutcome] = useState<BulkReply | null>(null)
  const [verb, effect] = words[action]

  useEffect(() => {
    if ('ids' in target) return
    send<BulkReply>('POST', 'api/tasks/bulk', {
      action,
      filter: target.filter,
      dry_run: true,
      ...extra(action, 5),
    }).then(
      reply => setMatched(reply.matched),
      error => {
        toast('bad', error instanceof Error ? error.message : String(error))
        onClose(false)
      },
    )
  }, [action, target, onClose])

  const act = async () => {
    const reply = await send<BulkReply>('POST', 'api/tasks/bulk', {
      action,
      ...target,
      ...extra(action, priority),
      ...(isWithDependents === true ? { with_dependents: true } : {}),
    })
    const isToBeTold = refusedOf(reply).length > 0
    done.current = { is: true, isToBeTold }
    if (!isToBeTold) toast('good', outcomeOf(reply))
    else setOutcome(reply)
    void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'me' })
  }
  if (outcome !== null) return <Outcome reply={outcome} onClose={() => onClose(true)} />
  return (
    <Confirm
      title={`${verb} ${matched === null ? '…' : plural(matched, 'task')}?`}
      isOpen
      onClose={() => (done.current.isToBeTold ? undefined : onClose(done.current.is))}
      onConfirm={act}
      verb={matched === null ? 'Counting…' : `${verb} ${exactCount(matched)}`}
      isDanger={action === 'cancel' || action === 'delete'}
      isReady={matched !== null && matched > 0}
      {...(matched !== null && matched > typedAbove ? { typed: String(matched) } : {})}
    >
      <p>{effect}</p>
      {fits === undefined || fits === matched ? null : (
        <p className="faint">As the list stands, that is {exactCount(fits)} of them; the others stay as they are.</p>
      )}
      {isWithDependents === true ? <p>With them go the tasks that were cancelled because of them.</p> : null}
      {action === 'reprioritise' ? <PriorityField value={priority} onChange={setPriority} /> : null}
    </Confirm>
  )
}

/** What became of each, and why not where nothing did. */
function Outcome({ reply, onClose }: { readonly reply: BulkReply; readonly onClose: () => void }) {
  return (
    <Dialog
      title={`${words[reply.action][0]}: how it came out`}
      isOpen
      onClose={onClose}
      foot={
        <Button look="primary" onClick={onClose}>
          Good
        </Button>
      }
    >
      <dl className="outcome">
        {Object.entries(reply.verdicts).map(([verdict, n]) => (
          <div key={verdict}>
            <dt>{exactCount(n)}</dt>
            <dd>{refusals[verdict] ?? verdict.replaceAll('_', ' ')}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}

/** Verdicts after which a task is as it was, and why. */
const refusals: Readonly<Record<string, string>> = {
  finished: 'left as they were: they had finished before',
  not_retryable: 'not retried: only what failed or was cancelled can be',
  not_waiting: 'left as they were: they no longer wait',
  unfinished: 'not deleted: they have not finished',
  needed: 'not deleted: an unfinished task depends on them',
  unknown: 'gone: they are no longer there',
}

function refusedOf({ verdicts }: BulkReply): readonly string[] {
  return Object.keys(verdicts).filter(verdict => refusals[verdict] !== undefined)
}

export function PriorityField({ value, onChange }: { readonly value: number; readonly onChange: (n: number) => void }) {
  return (
    <label className="field">
      <span>
        Priority <strong>{value}</strong> <span className="faint">1 is last, 10 is first</span>
      </span>
      <input
        type="range"
        min={1}
        max={10}
        step={1}
        value={value}
        onChange={event => onChange(Number(event.target.value))}
      />
    </label>
  )
}

function extra(action: BulkAction, priority: number) {
  return action === 'reprioritise' ? { priority } : action === 'cancel' ? { reason: 'From the dashboard' } : {}
}

export function outcomeOf({ action, verdicts }: BulkReply): string {
  const told = Object.entries(verdicts).map(([verdict, n]) => `${verdict.replaceAll('_', ' ')} ${exactCount(n)}`)
  return told.length === 0 ? `${words[action][0]}: nothing matched.` : `${words[action][0]}: ${told.join(', ')}.`
}
