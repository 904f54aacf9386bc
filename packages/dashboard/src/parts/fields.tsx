import { Eye, EyeOff } from 'lucide-react'
import {
  createContext,
  type InputHTMLAttributes,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  useContext,
  useId,
  useRef,
  useState,
} from 'react'
import { type Faults, noFaults } from '../api/faults.ts'
import { Button } from './basic.tsx'

/** What was said last of a form: the same fault said again is a new one, of what the field holds then. */
export const SaidFaults = createContext<Faults>(noFaults)

interface FieldProps {
  readonly label: string
  readonly hint?: ReactNode
  /** Said at the field, and read out with it, as long as the field holds what it was said of. */
  readonly fault?: string | undefined
}

type InputProps = Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange' | 'value'>

interface TextFieldProps extends FieldProps, InputProps {
  readonly value: string
  readonly onValue: (value: string) => void
  readonly ref?: Ref<HTMLInputElement>
}

export function TextField({ label, hint, fault: told, value, onValue, ...input }: TextFieldProps) {
  const id = useId()
  const fault = useFaultOf(value, told)
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        spellCheck={false}
        {...input}
        id={id}
        value={value}
        onChange={event => onValue(event.target.value)}
        {...described(id, hint, fault)}
      />
      <Notes id={id} hint={hint} fault={fault} />
    </div>
  )
}

interface SelectFieldProps<Value extends string> extends FieldProps {
  readonly value: Value
  readonly choices: readonly (readonly [value: Value, text: string])[]
  readonly onValue: (value: Value) => void
}

export function SelectField<Value extends string>(props: SelectFieldProps<Value>) {
  const { label, hint, value, choices, onValue } = props
  const id = useId()
  const fault = useFaultOf(value, props.fault)
  const choose = (text: string) => {
    const chosen = choices.find(([each]) => each === text)
    if (chosen !== undefined) onValue(chosen[0])
  }
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={event => choose(event.target.value)} {...described(id, hint, fault)}>
        {choices.map(([each, text]) => (
          <option key={each} value={each}>
            {text}
          </option>
        ))}
      </select>
      <Notes id={id} hint={hint} fault={fault} />
    </div>
  )
}

/** A password: it can be looked at, and Caps Lock is told of before it is sent. */
export function PasswordField({ label, hint, fault: told, value, onValue, ...input }: TextFieldProps) {
  const id = useId()
  const fault = useFaultOf(value, told)
  const [isShown, setShown] = useState(false)
  const [isCapsOn, setCapsOn] = useState(false)
  const seeCaps = (event: KeyboardEvent) => setCapsOn(event.getModifierState('CapsLock'))
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="input-with-button">
        <input
          required
          {...input}
          id={id}
          type={isShown ? 'text' : 'password'}
          value={value}
          spellCheck={false}
          autoCapitalize="none"
          autoCorrect="off"
          onChange={event => onValue(event.target.value)}
          onKeyUp={seeCaps}
          onKeyDown={seeCaps}
          onBlur={() => setCapsOn(false)}
          {...described(id, hint, fault)}
        />
        <Button
          look="ghost"
          icon={isShown ? EyeOff : Eye}
          label={isShown ? 'Hide the password' : 'Show the password'}
          aria-pressed={isShown}
          onClick={() => setShown(!isShown)}
        />
      </div>
      {/* Always there, so that it is read out when it says something. */}
      <small className="hint caps" role="status">
        {isCapsOn ? 'Caps Lock is on.' : ''}
      </small>
      <Notes id={id} hint={hint} fault={fault} />
    </div>
  )
}

/** A fault is one of a value: it goes when that is edited, and is there again when the same value comes back. */
function useFaultOf(value: string, fault: string | undefined): string | undefined {
  const said = useContext(SaidFaults)
  const of = useRef({ said, fault, value })
  if (of.current.said !== said || of.current.fault !== fault) of.current = { said, fault, value }
  return of.current.value === value ? fault : undefined
}

function Notes({
  id,
  hint,
  fault,
}: {
  readonly id: string
  readonly hint: ReactNode
  readonly fault: string | undefined
}) {
  if (fault !== undefined) {
    return (
      <small className="fault-text" id={`${id}-note`} role="alert">
        {fault}
      </small>
    )
  }
  return hint === undefined ? null : (
    <small className="hint" id={`${id}-note`}>
      {hint}
    </small>
  )
}

function described(id: string, hint: ReactNode, fault: string | undefined) {
  if (hint === undefined && fault === undefined) return {}
  return { 'aria-describedby': `${id}-note`, ...(fault === undefined ? {} : { 'aria-invalid': true }) }
}
