import { useQuery } from '@tanstack/react-query'
import { Tabs } from 'radix-ui'
import { useId, useState } from 'react'
import { meQuery, queuesQuery } from '../../api/queries.ts'
import { Snippet } from '../../parts/basic.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { useCodePlace } from '../../submit/code-tabs.tsx'
import { workerCode, workerLanguages, workerNote } from './worker-code.ts'

interface MoreWorkersProps {
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly type?: string | null
  readonly queue?: string | null
}

/** Ways to start one more worker, with the address at which this browser found the scheduler. */
export function MoreWorkers({ isOpen, onClose, type = null, queue = null }: MoreWorkersProps) {
  return (
    <Dialog title="Start one more worker" isOpen={isOpen} onClose={onClose}>
      <Generator firstType={type} firstQueue={queue} />
    </Dialog>
  )
}

const slotsFirst = 10

function Generator({
  firstType,
  firstQueue,
}: {
  readonly firstType: string | null
  readonly firstQueue: string | null
}) {
  const place = useCodePlace()
  const id = useId()
  const { data: me } = useQuery(meQuery)
  const { data: queues } = useQuery(queuesQuery)
  const [type, setType] = useState(firstType ?? '')
  const [queue, setQueue] = useState(firstQueue ?? '')
  const [slots, setSlots] = useState(slotsFirst)
  const wish = { ...place, type: type.trim() || null, queue: queue.trim() || null, slots }
  return (
    <>
      <div className="wish">
        <label className="field">
          <span>Type</span>
          <input
            value={type}
            placeholder="any built-in"
            spellCheck={false}
            onChange={event => setType(event.target.value)}
          />
        </label>
        <label className="field">
          <span>Queue</span>
          <input
            value={queue}
            placeholder="all"
            spellCheck={false}
            list={`${id}-queues`}
            onChange={event => setQueue(event.target.value)}
          />
          <datalist id={`${id}-queues`}>
            {queues?.map(({ name }) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </label>
        <label className="field">
          <span>Slots</span>
          <input
            type="number"
            min={1}
            max={1_000}
            value={slots}
            onChange={event => setSlots(Math.max(1, Math.round(Number(event.target.value)) || 1))}
          />
        </label>
      </div>
      <Tabs.Root defaultValue="CLI">
        <Tabs.List className="segments" aria-label="Language">
          {workerLanguages.map(language => (
            <Tabs.Trigger key={language} value={language} className="segment">
              {language}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        {workerLanguages.map(language => (
          <Tabs.Content key={language} value={language} tabIndex={-1} className="worker-code">
            <p className="faint">{workerNote(wish, language)}</p>
            <Snippet text={workerCode(wish, language)} label={`Copy the worker in ${language}`} />
          </Tabs.Content>
        ))}
      </Tabs.Root>
      {me?.auth === 'open' ? null : (
        <p className="faint">
          It needs a token of role <code>worker</code> as <code>TASKLANE_TOKEN</code>: an administrator makes one on the
          page Admin.
        </p>
      )}
    </>
  )
}
