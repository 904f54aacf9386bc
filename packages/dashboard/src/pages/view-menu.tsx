import { Bookmark, Check, Link2, Pencil, Plus, Trash2 } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { useState } from 'react'
import { copyText } from '../parts/basic.tsx'
import { Confirm } from '../parts/dialog.tsx'
import { setPreferences, usePreferences } from '../shell/preferences.ts'
import { toast } from '../shell/toasts.tsx'
import {
  builtInViews,
  deleteView,
  isSameSearch,
  renameView,
  type SavedView,
  saveView,
  useSavedViews,
  viewNameCharsMax,
} from './saved-views.ts'
import type { TaskSearch } from './task-filter.ts'

interface ViewMenuProps {
  readonly search: TaskSearch
  readonly onChange: (search: TaskSearch) => void
}

type Naming = { readonly old: string | null } | null

/** Views that everybody has, and those that were saved in this browser. What is shared is the address. */
export function ViewMenu({ search, onChange }: ViewMenuProps) {
  const views = useSavedViews()
  const { hiddenColumns } = usePreferences()
  const [naming, setNaming] = useState<Naming>(null)
  const current = [...views, ...builtInViews].find(view => isSameSearch(view.search, search))
  const mine = views.find(view => view.name === current?.name)
  const show = (view: SavedView) => {
    onChange(view.search)
    if (view.hiddenColumns !== null) setPreferences({ hiddenColumns: view.hiddenColumns })
  }
  const share = () =>
    void copyText(location.href).then(() => toast('good', 'The link to this view is in your clipboard.'))
  return (
    <>
      <DropdownMenu.Root modal={false}>
        <DropdownMenu.Trigger className="button button-plain view-trigger">
          <Bookmark size={15} aria-hidden="true" /> <span className="clip">{current?.name ?? 'Views'}</span>
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content className="menu view-menu" align="end" sideOffset={6}>
            {builtInViews.map(view => (
              <Choice key={view.name} view={view} isOn={view === current} onShow={show} />
            ))}
            {views.length === 0 ? null : <DropdownMenu.Separator className="menu-line" />}
            {views.map(view => (
              <Choice key={view.name} view={view} isOn={view === current} onShow={show} />
            ))}
            <DropdownMenu.Separator className="menu-line" />
            <DropdownMenu.Item className="menu-item" onSelect={() => setNaming({ old: null })}>
              <Plus size={14} aria-hidden="true" /> Save this view…
            </DropdownMenu.Item>
            {mine === undefined ? null : (
              <>
                <DropdownMenu.Item className="menu-item" onSelect={() => setNaming({ old: mine.name })}>
                  <Pencil size={14} aria-hidden="true" /> Rename “{mine.name}”…
                </DropdownMenu.Item>
                <DropdownMenu.Item className="menu-item" onSelect={() => deleteView(mine.name)}>
                  <Trash2 size={14} aria-hidden="true" /> Delete “{mine.name}”
                </DropdownMenu.Item>
              </>
            )}
            <DropdownMenu.Item className="menu-item" onSelect={share}>
              <Link2 size={14} aria-hidden="true" /> Copy the link
            </DropdownMenu.Item>
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
      {naming === null ? null : (
        <NameDialog
          old={naming.old}
          taken={[...views, ...builtInViews].map(view => view.name)}
          onClose={() => setNaming(null)}
          onName={name => {
            if (naming.old === null) saveView({ name, search, hiddenColumns })
            else renameView(naming.old, name)
          }}
        />
      )}
    </>
  )
}

interface ChoiceProps {
  readonly view: SavedView
  readonly isOn: boolean
  readonly onShow: (view: SavedView) => void
}

function Choice({ view, isOn, onShow }: ChoiceProps) {
  return (
    <DropdownMenu.CheckboxItem className="menu-item" checked={isOn} onSelect={() => onShow(view)}>
      <span className="menu-tick">
        <DropdownMenu.ItemIndicator>
          <Check size={14} aria-hidden="true" />
        </DropdownMenu.ItemIndicator>
      </span>
      <span className="clip">{view.name}</span>
    </DropdownMenu.CheckboxItem>
  )
}

interface NameDialogProps {
  readonly old: string | null
  readonly taken: readonly string[]
  readonly onName: (name: string) => void
  readonly onClose: () => void
}

function NameDialog({ old, taken, onName, onClose }: NameDialogProps) {
  const [name, setName] = useState(old ?? '')
  const wanted = name.trim()
  const isTaken = wanted !== old && taken.includes(wanted)
  return (
    <Confirm
      title={old === null ? 'Save this view' : `Rename “${old}”`}
      isOpen
      verb={old === null ? 'Save' : 'Rename'}
      isReady={wanted !== '' && !isTaken}
      onClose={onClose}
      onConfirm={async () => onName(wanted)}
    >
      <label className="field">
        <span>Name</span>
        <input value={name} maxLength={viewNameCharsMax} onChange={event => setName(event.target.value)} />
      </label>
      <p className="faint">
        {isTaken
          ? 'There is a view of this name.'
          : 'Filters, order and columns are kept in this browser. Others see the same by the link of the page.'}
      </p>
    </Confirm>
  )
}
