import { TriangleAlert, X } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { Toasts } from '../shell/toasts.tsx'
import { Button } from './basic.tsx'
import { Modal } from './modal.tsx'

interface DialogProps {
  readonly title: string
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly children: ReactNode
  readonly foot?: ReactNode
  /** A drawer comes from the side and has room for a form. */
  readonly isDrawer?: boolean
}

export function Dialog({ title, isOpen, onClose, children, foot, isDrawer }: DialogProps) {
  if (!isOpen) return null
  return (
    <Modal label={title} className={isDrawer === true ? 'drawer' : 'dialog'} onClose={onClose}>
      <header className="dialog-head">
        <h2>{title}</h2>
        <Button look="ghost" icon={X} label="Close" onClick={onClose} />
      </header>
      <div className="dialog-body">{children}</div>
      {isDrawer === true ? <Toasts /> : null}
      {foot === undefined ? null : <footer className="dialog-foot">{foot}</footer>}
    </Modal>
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
  const [fault, setFault] = useState<string | null>(null)
  const confirm = async () => {
    setBusy(true)
    setFault(null)
    try {
      await props.onConfirm()
      props.onClose()
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error))
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
      {fault === null ? null : (
        <p className="fault" role="alert">
          <TriangleAlert size={15} aria-hidden="true" /> {fault}
        </p>
      )}
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
