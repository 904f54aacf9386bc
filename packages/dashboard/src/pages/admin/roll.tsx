import type { UseQueryResult } from '@tanstack/react-query'
import type { LucideIcon } from 'lucide-react'
import { type ComponentType, type ReactNode, useState } from 'react'
import { Button, Failure, Notice, Panel, Skeleton, Stale } from '../../parts/basic.tsx'
import { plural } from '../../parts/format.ts'

interface RollProps<Entry> {
  readonly title: string
  readonly query: UseQueryResult<readonly Entry[]>
  /** Those that no longer open anything are hidden until they are asked for. */
  readonly isEnded: (entry: Entry) => boolean
  /** What one of them is called. */
  readonly ended: string
  readonly add: {
    readonly icon: LucideIcon
    readonly text: string
    readonly Form: ComponentType<{ readonly onClose: () => void }>
  }
  readonly nothing: (ended: number) => {
    readonly icon: LucideIcon
    readonly title: string
    readonly text: string
  }
  readonly children: (shown: readonly Entry[]) => ReactNode
}

/** Who or what may come in: a list, those that ended behind a tick, and a form for one more. */
export function Roll<Entry>(props: RollProps<Entry>) {
  const { title, isEnded, add } = props
  const { data: entries, error, refetch, dataUpdatedAt } = props.query
  const [isAdding, setAdding] = useState(false)
  const [isAll, setAll] = useState(false)
  if (entries === undefined)
    return error === null ? <Skeleton rows={4} /> : <Failure error={error} onRetry={() => void refetch()} />
  const ended = entries.filter(isEnded).length
  const shown = entries.filter(entry => isAll || !isEnded(entry))
  const nothing = props.nothing(ended)
  return (
    <>
      <Stale error={error} at={dataUpdatedAt} />
      <Panel
        isFlush
        title={title}
        side={
          <div className="panel-tools">
            {ended === 0 ? null : (
              <label className="tick">
                <input type="checkbox" checked={isAll} onChange={event => setAll(event.target.checked)} />
                Show {plural(ended, props.ended)}
              </label>
            )}
            <Button isSmall icon={add.icon} onClick={() => setAdding(true)}>
              {add.text}
            </Button>
          </div>
        }
      >
        {shown.length === 0 ? (
          <Notice icon={nothing.icon} title={nothing.title}>
            <p>{nothing.text}</p>
          </Notice>
        ) : (
          props.children(shown)
        )}
      </Panel>
      {isAdding ? <add.Form onClose={() => setAdding(false)} /> : null}
    </>
  )
}
