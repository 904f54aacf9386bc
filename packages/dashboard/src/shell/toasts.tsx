import { CircleCheck, CircleX, X } from 'lucide-react'
import { useEffect, useSyncExternalStore } from 'react'
import { Button } from '../parts/basic.tsx'
import { dismiss, hold, listenToToasts, shownToasts } from './toast-store.ts'

export { toast, toastError } from './toast-store.ts'

/**
 * What was done, in a row of its own below the page: the page gives way, so that no message ever lies above something that
 * can be pressed. A drawer, which stays open while things are done in it, has such a row, too.
 */
export function Toasts() {
  const shown = useSyncExternalStore(listenToToasts, shownToasts)
  const hasSome = shown.length > 0
  useEffect(() => {
    if (!hasSome) return
    const see = () => hold('hidden', document.hidden)
    see()
    document.addEventListener('visibilitychange', see)
    window.addEventListener('keydown', dismissByEscape)
    return () => {
      document.removeEventListener('visibilitychange', see)
      window.removeEventListener('keydown', dismissByEscape)
    }
  }, [hasSome])
  return (
    <section
      className="toasts"
      aria-live="polite"
      aria-label="Messages"
      onPointerEnter={() => hold('pointer', true)}
      onPointerLeave={() => hold('pointer', false)}
      onFocus={() => hold('focus', true)}
      onBlur={() => hold('focus', false)}
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
  const newest = shownToasts().at(-1)
  if (event.key !== 'Escape' || event.defaultPrevented || newest === undefined) return
  if (document.querySelector('dialog[open]') === null) dismiss(newest.id)
}
