import { useQuery } from '@tanstack/react-query'
import type { BulkAction, BulkReply } from '@tasklane/protocol'
import { ArrowUpDown, Ban, Check, Columns3, RotateCcw, Trash2, X } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { send } from '../api/http.ts'
import { Button } from '../parts/basic.tsx'
import { exactCount } from '../parts/format.ts'
import { setPreferences, usePreferences } from '../shell/preferences.ts'
import { bodyFilterOf, type TaskSearch } from './task-filter.ts'
import { columns } from './task-table.tsx'

interface BulkBarProps {
  readonly search: TaskSearch
  readonly now: number
  readonly selected: number
  readonly isAll: boolean
  readonly hasMore: boolean
  readonly onAll: () => void
  readonly onAct: (action: BulkAction) => void
  readonly onClear: () => void
}

export function BulkBar(props: BulkBarProps) {
  const { search, now, selected, isAll, hasMore, onAct } = props
  const filter = bodyFilterOf(search, now)
  const matching = useQuery({
    queryKey: ['bulk', filter],
    queryFn: () => send<BulkReply>('POST', 'api/tasks/bulk', { action: 'cancel', filter, dry_run: true }),
    enabled: hasMore,
    retry: false,
  })
  const all = matching.data?.matched
  return (
    <div className="bulk-bar" role="toolbar" aria-label="Selected tasks">
      <strong>
        {isAll ? `All ${all === undefined ? '' : exactCount(all)} matching` : `${exactCount(selected)} selected`}
      </strong>
      {hasMore && !isAll ? (
        <Button look="ghost" isSmall onClick={props.onAll}>
          Select all {all === undefined ? '' : exactCount(all)} matching
        </Button>
      ) : null}
      <span className="push" />
      <Button isSmall icon={Ban} onClick={() => onAct('cancel')}>
        Cancel
      </Button>
      <Button isSmall icon={RotateCcw} onClick={() => onAct('retry')}>
        Retry
      </Button>
      <Button isSmall icon={ArrowUpDown} onClick={() => onAct('reprioritise')}>
        Priority
      </Button>
      <Button isSmall icon={Trash2} onClick={() => onAct('delete')}>
        Delete
      </Button>
      <Button look="ghost" isSmall icon={X} label="Clear the selection" onClick={props.onClear} />
    </div>
  )
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
