import { TriangleAlert } from 'lucide-react'
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { type Faults, faultsOf, noFaults } from '../api/faults.ts'
import { Button } from './basic.tsx'
import { Dialog } from './dialog.tsx'
import { SaidFaults } from './fields.tsx'

interface FormDialogProps {
  readonly title: string
  readonly verb: string
  readonly isDanger?: boolean
  readonly isReady?: boolean
  /** Fields of the call's body that `children` say faults at; all else is said above them. */
  readonly fields?: readonly string[]
  readonly onClose: () => void
  /** What it throws is said and leaves the form as it is. */
  readonly onSubmit: () => Promise<void>
  /** In place of the sentence of the scheduler, where there is a better one. */
  readonly explain?: (error: unknown) => Faults | null
  readonly children: (faults: Faults['of']) => ReactNode
}

/** A form in a dialog: sent by Enter, too; what is refused is said at the field, which gets the focus. */
export function FormDialog(props: FormDialogProps) {
  const { title, verb, isDanger, isReady = true, fields = [], onClose, onSubmit, explain, children } = props
  const id = useId()
  const form = useRef<HTMLFormElement>(null)
  const [isBusy, setBusy] = useState(false)
  const [faults, setFaults] = useState(noFaults)
  useEffect(() => {
    if (faults === noFaults || form.current === null) return
    const first = form.current.querySelector<HTMLElement>('[aria-invalid=true]')
    const said = Object.values(faults.of)
    if (first !== null) first.focus()
    // Of a field that is not shown just now: what nobody says at a field is said above all of them.
    else if (said.length > 0)
      setFaults({ of: {}, rest: [faults.rest, ...said].filter(text => text !== null).join(' ') })
    else form.current.scrollIntoView({ block: 'start' })
  }, [faults])
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (isBusy || !isReady) return
    setBusy(true)
    setFaults(noFaults)
    try {
      await onSubmit()
    } catch (error) {
      setFaults(explain?.(error) ?? faultsOf(error, fields))
    } finally {
      setBusy(false)
    }
  }
  const foot = (
    <>
      <Button onClick={onClose}>Back</Button>
      <Button look={isDanger === true ? 'danger' : 'primary'} type="submit" form={id} disabled={isBusy || !isReady}>
        {isBusy ? 'Working…' : verb}
      </Button>
    </>
  )
  return (
    <Dialog title={title} isOpen onClose={onClose} foot={foot}>
      <form id={id} ref={form} className="stack" noValidate onSubmit={event => void submit(event)}>
        {faults.rest === null ? null : (
          <p className="fault" role="alert">
            <TriangleAlert size={15} aria-hidden="true" /> {faults.rest}
          </p>
        )}
        <SaidFaults value={faults}>{children(faults.of)}</SaidFaults>
      </form>
    </Dialog>
  )
}
