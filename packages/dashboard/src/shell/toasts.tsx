import { CircleCheck, CircleX, X } from 'lucide-react'
import { useEffect, useSyncExternalStore } from 'react'
import { Button } from '../parts/basic.tsx'

interface Toast {
  readonly id: number
  readonly tone: 'good' | 'bad'
  readonly text: string
}

/** Long enough to read a line; who is still reading points at it. */
const lifeMs = 4_000
const shownMax = 4

const listeners = new Set<() => void>()
const lives = new Map<number, ReturnType<typeof setTimeout>>()
let toasts: readonly Toast[] = []
let lastId = 0
let isHeld = false

export function toast(tone: Toast['tone'], text: string): void {
  lastId += 1
  set([...toasts.slice(1 - shownMax), { id: lastId, tone, text }])
}

export function toastError(error: unknown): void {
  toast('bad', error instanceof Error ? error.message : String(error))
}

function dismiss(id: number): void {
  set(toasts.filter(each => each.id !== id))
}

function set(next: readonly Toast[]): void {
  toasts = next
  // Nobody lets go of what is gone: the pointer that held it hears nothing.
  if (next.length === 0) isHeld = false
  keepLives()
  for (const tell of listeners) tell()
}

/** Under the pointer, with the focus, and while nobody sees the page, none of them ends. */
function hold(isToBeHeld: boolean): void {
  isHeld = isToBeHeld
  keepLives()
}

/** What went wrong stays until it is dismissed; all else ends by itself, and begins its time anew when it is let go. */
function keepLives(): void {
  const alive = new Set(
    isHeld || document.hidden ? [] : toasts.filter(({ tone }) => tone === 'good').map(({ id }) => id),
  )
  for (const [id, life] of lives) {
    if (alive.has(id)) continue
    clearTimeout(life)
    lives.delete(id)
  }
  for (const id of alive)
    if (!lives.has(id))
      lives.set(
        id,
        setTimeout(() => dismiss(id), lifeMs),
      )
}

function listen(tell: () => void): () => void {
  listeners.add(tell)
  return () => listeners.delete(tell)
}

/**
 * What was done, in a row of its own below the page: the page gives way, so that no message ever lies above something that
 * can be pressed. A drawer, which stays open while things are done in it, has such a row, too.
 */
export function Toasts() {
  const shown = useSyncExternalStore(listen, () => toasts)
  const hasSome = shown.length > 0
  useEffect(() => {
    if (!hasSome) return
    document.addEventListener('visibilitychange', keepLives)
    window.addEventListener('keydown', dismissByEscape)
    return () => {
      document.removeEventListener('visibilitychange', keepLives)
      window.removeEventListener('keydown', dismissByEscape)
    }
  }, [hasSome])
  return (
    <section
      className="toasts"
      aria-live="polite"
      aria-label="Messages"
      onPointerEnter={() => hold(true)}
      onPointerLeave={() => hold(false)}
      onFocus={() => hold(true)}
      onBlur={() => hold(false)}
    >
      {shown.map(({ id, tone, text }) => (
        <div key={id} className={`toast toast-${tone}`}>
          {tone === 'good' ? (
            <CircleCheck size={16} aria-hidden="true" className="tone-completed" />
          ) : (
            <CircleX size={16} aria-hidden="true" className="tone-failed" />
          )}
          <span>{text}</span>
          <Button look="ghost" isSmall icon={X} label="Dismiss (Esc)" onClick={() => dismiss(id)} />
        </div>
      ))}
    </section>
  )
}

/** The newest first; an open dialog or menu is what Escape means before it. */
function dismissByEscape(event: KeyboardEvent): void {
  const newest = toasts.at(-1)
  if (event.key !== 'Escape' || event.defaultPrevented || newest === undefined) return
  if (document.querySelector('dialog[open]') === null) dismiss(newest.id)
}
