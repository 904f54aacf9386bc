import { type RefObject, useRef } from 'react'

interface AfterMenu {
  /** Of the button that opens the menu. */
  readonly trigger: RefObject<HTMLButtonElement | null>
  /** What an item does once its menu has gone. */
  readonly later: (act: () => void) => () => void
  readonly onCloseAutoFocus: (event: Event) => void
}

/**
 * A dialog gives the focus back to what had it when it opened. An item of a menu is gone by then: so the menu closes first,
 * its button has the focus, and then the dialog opens.
 */
export function useAfterMenu(): AfterMenu {
  const trigger = useRef<HTMLButtonElement>(null)
  const wanted = useRef<(() => void) | null>(null)
  return {
    trigger,
    later: act => () => {
      wanted.current = act
    },
    onCloseAutoFocus: event => {
      const act = wanted.current
      wanted.current = null
      if (act === null) return
      event.preventDefault()
      trigger.current?.focus()
      act()
    },
  }
}
