import { X } from 'lucide-react'
import { Dialog as Radix } from 'radix-ui'
import { type ReactNode, useState } from 'react'
import { toastError } from '../shell/toasts.tsx'
import { Button } from './basic.tsx'

interface DialogProps {
  readonly title: string
  readonly note?: string
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly children: ReactNode
  readonly foot?: ReactNode
  /** A drawer comes from the side and has room for a form. */
  readonly isDrawer?: boolean
}

export function Dialog({ title, note, isOpen, onClose, children, foot, isDrawer }: DialogProps) {
  return (
    <Radix.Root open={isOpen} onOpenChange={open => (open ? undefined : onClose())}>
      <Radix.Portal>
        <Radix.Overlay className="overlay" />
        <Radix.Content
          className={isDrawer === true ? 'drawer' : 'dialog'}
          {...(note === undefined ? { 'aria-describedby': undefined } : {})}
        >
          <header className="dialog-head">
            <Radix.Title>{title}</Radix.Title>
            <Radix.Close asChild>
              <Button look="ghost" icon={X} label="Close" />
            </Radix.Close>
          </header>
          {note === undefined ? null : <Radix.Description className="dialog-note">{note}</Radix.Description>}
          <div className="dialog-body">{children}</div>
          {foot === undefined ? null : <footer className="dialog-foot">{foot}</footer>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

interface ConfirmProps {
  readonly title: string
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly onConfirm: () => Promise<void>
  readonly verb: string
  readonly isDanger?: boolean
  readonly children: ReactNode
  /** To be typed first, where much would be lost. */
  readonly typed?: string
  readonly isReady?: boolean
}

/** Asks, acts, and closes when it is done; a refusal is told and leaves the question open. */
export function Confirm(props: ConfirmProps) {
  const [isBusy, setBusy] = useState(false)
  const [typed, setTyped] = useState('')
  const confirm = async () => {
    setBusy(true)
    try {
      await props.onConfirm()
      props.onClose()
    } catch (error) {
      toastError(error)
    } finally {
      setBusy(false)
    }
  }
  const isReady = props.isReady !== false && !isBusy && (props.typed === undefined || typed === props.typed)
  const foot = (
    <>
      <Button onClick={props.onClose}>Back</Button>
      <Button look={props.isDanger === true ? 'danger' : 'primary'} disabled={!isReady} onClick={() => void confirm()}>
        {isBusy ? 'Working…' : props.verb}
      </Button>
    </>
  )
  return (
    <Dialog title={props.title} isOpen={props.isOpen} onClose={props.onClose} foot={foot}>
      {props.children}
      {props.typed === undefined ? null : (
        <label className="field">
          <span>
            Type <code>{props.typed}</code> to go on
          </span>
          <input value={typed} onChange={event => setTyped(event.target.value)} spellCheck={false} />
        </label>
      )}
    </Dialog>
  )
}
