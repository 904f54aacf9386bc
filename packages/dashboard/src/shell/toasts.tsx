import { CircleCheck, CircleX, X } from 'lucide-react'
import { useSyncExternalStore } from 'react'
import { Button } from '../parts/basic.tsx'

interface Toast {
  readonly id: number
  readonly tone: 'good' | 'bad'
  readonly text: string
}

const listeners = new Set<() => void>()
let toasts: readonly Toast[] = []
let lastId = 0

export function toast(tone: Toast['tone'], text: string): void {
  lastId += 1
  const id = lastId
  set([...toasts.slice(-3), { id, tone, text }])
  // What went wrong stays until it was read.
  if (tone === 'good') setTimeout(() => dismiss(id), 6_000)
}

export function toastError(error: unknown): void {
  toast('bad', error instanceof Error ? error.message : String(error))
}

function dismiss(id: number): void {
  set(toasts.filter(each => each.id !== id))
}

function set(next: readonly Toast[]): void {
  toasts = next
  for (const tell of listeners) tell()
}

function listen(tell: () => void): () => void {
  listeners.add(tell)
  return () => listeners.delete(tell)
}

export function Toasts() {
  const shown = useSyncExternalStore(listen, () => toasts)
  return (
    <section className="toasts" aria-live="polite" aria-label="Messages">
      {shown.map(({ id, tone, text }) => (
        <div key={id} className={`toast toast-${tone}`}>
          {tone === 'good' ? (
            <CircleCheck size={16} aria-hidden="true" className="tone-completed" />
          ) : (
            <CircleX size={16} aria-hidden="true" className="tone-failed" />
          )}
          <span>{text}</span>
          <Button look="ghost" isSmall icon={X} label="Dismiss" onClick={() => dismiss(id)} />
        </div>
      ))}
    </section>
  )
}
