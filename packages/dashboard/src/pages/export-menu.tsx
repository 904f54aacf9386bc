import { Download, X } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { useRef, useState } from 'react'
import { Button } from '../parts/basic.tsx'
import { exactCount, plural } from '../parts/format.ts'
import { toast, toastError } from '../shell/toasts.tsx'
import { type ExportProgress, exportRowsMax, exportTasks } from './task-export.ts'
import type { filterOf } from './task-filter.ts'

/** All that match as a file, up to what one file takes; says how far it is, and can be stopped. */
export function ExportMenu({ filter }: { readonly filter: ReturnType<typeof filterOf> }) {
  const [progress, setProgress] = useState<ExportProgress | null>(null)
  const stopper = useRef<AbortController | null>(null)
  const run = async (kind: 'csv' | 'json') => {
    const stop = new AbortController()
    stopper.current = stop
    setProgress({ rows: 0, total: null })
    try {
      const done = await exportTasks({ ...filter }, kind, setProgress, stop.signal)
      const bound = done >= exportRowsMax ? ', the newest: one file takes no more' : ''
      toast('good', `Exported ${plural(done, 'task')}${bound}.`)
    } catch (error) {
      if (!stop.signal.aborted) toastError(error)
    } finally {
      setProgress(null)
    }
  }
  if (progress !== null) {
    return (
      <Button icon={X} onClick={() => stopper.current?.abort()} title="Stop the export">
        {exactCount(progress.rows)}
        {progress.total === null ? '…' : ` of ${progress.total}`}
      </Button>
    )
  }
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="button button-plain">
        <Download size={15} aria-hidden="true" /> Export
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={6}>
          <DropdownMenu.Item className="menu-item" onSelect={() => void run('csv')}>
            All that match, as CSV
          </DropdownMenu.Item>
          <DropdownMenu.Item className="menu-item" onSelect={() => void run('json')}>
            All that match, as JSON
          </DropdownMenu.Item>
          <p className="menu-note faint">At most the {exactCount(exportRowsMax)} newest.</p>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}
