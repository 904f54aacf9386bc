import { type ReactNode, useLayoutEffect, useRef } from 'react'

const firstWanted = '[cmdk-input], .dialog-body :is(input, select, textarea), .dialog-foot button'

/**
 * The browser's own dialog: it keeps the focus inside, makes the rest inert, closes by Escape and gives the focus back.
 * Libraries do the same with styles that they write into the page, which the policy for its contents forbids.
 */
export function Modal(props: {
  readonly label: string
  readonly className: string
  readonly onClose: () => void
  readonly children: ReactNode
}) {
  const place = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => {
    const dialog = place.current
    dialog?.showModal()
    // The browser would take the first thing that can be focused, which is the button that closes.
    dialog?.querySelector<HTMLElement>(firstWanted)?.focus()
    return () => dialog?.close()
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it; a click beside it is the mouse's way
    <dialog
      ref={place}
      className={props.className}
      aria-label={props.label}
      onCancel={event => {
        event.preventDefault()
        props.onClose()
      }}
      onClick={event => {
        // The backdrop belongs to the dialog; what is inside is inside of a child.
        if (event.target === place.current && isBeside(event, place.current)) props.onClose()
      }}
    >
      {props.children}
    </dialog>
  )
}

function isBeside({ clientX, clientY }: React.MouseEvent, dialog: HTMLElement): boolean {
  const { left, right, top, bottom } = dialog.getBoundingClientRect()
  return clientX < left || clientX > right || clientY < top || clientY > bottom
}
