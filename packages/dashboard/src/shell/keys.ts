import { useEffect, useRef } from 'react'
import { usePreferences } from './preferences.ts'

export type Keys = Readonly<Record<string, () => void>>

/**
 * Single keys and pairs like `g t`. They are silent where somebody types, in dialogs, and where they were turned off
 * (WCAG 2.1.4).
 */
export function useKeys(keys: Keys): void {
  const { areKeysOn } = usePreferences()
  const current = useRef(keys)
  current.current = keys
  useEffect(() => {
    if (!areKeysOn) return
    let first = ''
    let firstAt = 0
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return
      const pair = performance.now() - firstAt < 1_200 ? `${first} ${event.key}` : event.key
      const act = current.current[pair] ?? current.current[event.key]
      first = event.key
      firstAt = performance.now()
      if (act === undefined) return
      event.preventDefault()
      first = ''
      act()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [areKeysOn])
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.closest('input, textarea, select, [contenteditable], dialog, [role=menu], [role=listbox]') !== null
}
