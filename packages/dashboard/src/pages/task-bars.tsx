import { useQuery } from '@tanstack/react-query'
import type { BulkAction, TaskPage, TaskState } from '@tasklane/protocol'
import { ArrowUpDown, Ban, Check, Columns3, RotateCcw, Trash2, X } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { get } from '../api/http.ts'
import { Button } from '../parts/basic.tsx'
import { exactCount } from '../parts/format.ts'
import { setPreferences, usePreferences } from '../shell/preferences.ts'
import { filterOf, type TaskSearch } from './task-filter.ts'
import { columns } from './task-table.tsx'

interface BulkBarProps {
  readonly search: TaskSearch
  readonly now: number
  readonly selected: number
  /** States of those that are ticked; null where it is more than is shown. */
  readonly states: ReadonlySet<TaskState> | null
  readonly isAll: boolean
  readonly hasMore: boolean
  readonly onAll: () => void
  readonly onAct: (action: BulkAction) => void
  readonly onClear: () => void
}

const waiting: readonly TaskState[] = ['pending', 'scheduled', 'blocked']
/** What can be done to tasks of which states; what fits none of those that are ticked is not offered. */
const acts = [
  { action: 'cancel', text: 'Cancel', icon: Ban, of: [...waiting, 'running'], why: 'they have ended' },
  { action: 'retry', text: 'Retry', icon: RotateCcw, of: ['failed', 'cancelled'], why: 'none failed or was cancelled' },
  { action: 'reprioritise', text: 'Priority', icon: ArrowUpDown, of: waiting, why: 'none waits' },
  { action: 'delete', text: 'Delete', icon: Trash2, of: ['completed', 'failed', 'cancelled'], why: 'none has ended' },
] as const satisfies readonly { action: BulkAction; of: readonly TaskState[]; [rest: string]: unknown }[]

export function fitsAction(action: BulkAction, state: TaskState): boolean {
  return acts.some(act => act.action === action && act.of.some(each => each === state))
}

export function BulkBar(props: BulkBarProps) {
  const { search, now, selected, states, isAll, hasMore } = props
  const filter = filterOf(search, now)
  const matching = useQuery({
    queryKey: ['bulk', filter],
    queryFn: ({ signal }) => get<TaskPage>('api/tasks', { ...filter, limit: 1, count: 'true' }, signal),
    enabled: hasMore,
    retry: false,
  })
  const all = matching.data === undefined ? '' : totalOf(matching.data)
  return (
    <div className="bulk-bar" role="toolbar" aria-label="Selected tasks">
      <strong>{isAll ? `All ${all} matching` : `${exactCount(selected)} selected`}</strong>
      {hasMore && !isAll ? (
        <Button look="ghost" isSmall onClick={props.onAll}>
          Select all {all} matching
        </Button>
      ) : null}
      <span className="push" />
      {acts.map(({ action, text, icon, of, why }) => {
        const isPossible = states === null || of.some(state => states.has(state))
        return (
          <Button
            key={action}
            isSmall
            icon={icon}
            disabled={!isPossible}
            onClick={() => props.onAct(action)}
            {...(isPossible ? {} : { title: `None of these can be: ${why}.` })}
          >
            {text}
          </Button>
        )
      })}
      <Button look="ghost" isSmall icon={X} label="Clear the selection" onClick={props.onClear} />
    </div>
  )
}

/** Counted to a bound; how many it really are is counted before anything is done to them. */
function totalOf({ total, total_is_exact }: TaskPage): string {
  return total === undefined ? '' : `${exactCount(total)}${total_is_exact === true ? '' : '+'}`
}

export function ColumnMenu() {
  const { hiddenColumns, isDense } = usePreferences()
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="button button-plain not-phone">
        <Columns3 size={15} aria-hidden="true" /> Columns
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={6}>
          <DropdownMenu.CheckboxItem
            className="menu-item"
            checked={isDense}
            onSelect={event => event.preventDefault()}
            onCheckedChange={isOn => setPreferences({ isDense: isOn })}
          >
            <span className="menu-tick">
              <DropdownMenu.ItemIndicator>
                <Check size={14} aria-hidden="true" />
              </DropdownMenu.ItemIndicator>
            </span>
            Dense rows
          </DropdownMenu.CheckboxItem>
          <DropdownMenu.Separator className="menu-line" />
          {columns
            .filter(({ id }) => id !== 'task' && id !== 'state')
            .map(({ id, text }) => (
              <DropdownMenu.CheckboxItem
                key={id}
                className="menu-item"
                checked={!hiddenColumns.includes(id)}
                onSelect={event => event.preventDefault()}
                onCheckedChange={isShown =>
                  setPreferences({
                    hiddenColumns: isShown ? hiddenColumns.filter(each => each !== id) : [...hiddenColumns, id],
                  })
                }
              >
                <span className="menu-tick">
                  <DropdownMenu.ItemIndicator>
                    <Check size={14} aria-hidden="true" />
                  </DropdownMenu.ItemIndicator>
                </span>
                {text}
              </DropdownMenu.CheckboxItem>
            ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}
