import { useQueryClient } from '@tanstack/react-query'
import type { Queue } from '@tasklane/protocol'
import { Pause, Play } from 'lucide-react'
import { useState } from 'react'
import { send } from '../../api/http.ts'
import { Button } from '../../parts/basic.tsx'
import { useMay } from '../../shell/me.ts'
import { toast, toastError } from '../../shell/toasts.tsx'

/** Shows at once what was asked for, and takes it back where it is refused. */
export function PauseButton({ queue }: { readonly queue: Queue }) {
  const client = useQueryClient()
  const mayChange = useMay('queues.change')
  const [isBusy, setBusy] = useState(false)
  const { name, paused } = queue
  const show = (isPaused: boolean) =>
    client.setQueryData(['queues'], (old: { readonly queues: readonly Queue[] } | undefined) =>
      old === undefined
        ? old
        : { ...old, queues: old.queues.map(each => (each.name === name ? { ...each, paused: isPaused } : each)) },
    )
  const toggle = async () => {
    setBusy(true)
    show(!paused)
    try {
      await send('PATCH', `api/queues/${encodeURIComponent(name)}`, { paused: !paused })
      toast('good', paused ? `Queue ${name} goes on.` : `Queue ${name} is paused; what runs goes on.`)
    } catch (error) {
      show(paused)
      toastError(error)
    } finally {
      setBusy(false)
      void client.invalidateQueries({ queryKey: ['queues'] })
    }
  }
  if (!mayChange) return null
  return (
    <Button isSmall icon={paused ? Play : Pause} disabled={isBusy} onClick={() => void toggle()}>
      {paused ? 'Resume' : 'Pause'}
    </Button>
  )
}
