import { type KeyboardEvent, useId, useState } from 'react'
import { plural } from '../parts/format.ts'
import { FaultText } from './fault-text.tsx'
import { invalidBy, useFault } from './faults.ts'
import { type KnownType, useKnownTypes } from './known-types.ts'

const shownMax = 50

/** A text with the types below it that fit; any other name can be submitted, too. */
export function TypeField({ value, onChange }: { readonly value: string; readonly onChange: (type: string) => void }) {
  const known = useKnownTypes()
  const [text, setText] = useState(value)
  const [isOpen, setOpen] = useState(false)
  const [at, setAt] = useState(-1)
  const id = useId()
  const { fault, onBlur } = useFault('/task_type')
  const [isTyped, setTyped] = useState(false)
  const isChosen = known.of(text) !== undefined
  // Who opens the list on a type that is chosen wants to see the others.
  const found = matching(known.all, isChosen && !isTyped ? '' : text)
  const choose = (name: string) => {
    setText(name)
    setTyped(false)
    setOpen(false)
    onChange(name)
  }
  const type = (next: string) => {
    setText(next)
    setTyped(true)
    setAt(-1)
    const [only, other] = matching(known.all, next)
    setOpen(other !== undefined || only?.name !== next)
    // The form below is drawn anew for each type; half a name is none.
    if (known.of(next) !== undefined) onChange(next)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const isShown = isOpen && found.length > 0
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      setOpen(true)
      setAt((at + (event.key === 'ArrowDown' ? 1 : found.length - (at < 0 ? 0 : 1))) % Math.max(1, found.length))
    } else if (event.key === 'Enter' && isShown && found[at] !== undefined) {
      event.preventDefault()
      choose(found[at].name)
    } else if (event.key === 'Escape' && isShown) {
      // It closes the list, not the drawer.
      event.preventDefault()
      event.stopPropagation()
      setOpen(false)
    }
  }
  return (
    <div className="field combo">
      <label htmlFor={id}>Type</label>
      <input
        id={id}
        role="combobox"
        aria-expanded={isOpen && found.length > 0}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        {...(isOpen && at >= 0 ? { 'aria-activedescendant': `${id}-${at}` } : {})}
        {...invalidBy(id, fault)}
        maxLength={128}
        value={text}
        placeholder="What should run"
        autoComplete="off"
        spellCheck={false}
        onClick={() => setOpen(true)}
        onKeyDown={onKeyDown}
        onChange={event => type(event.target.value)}
        onBlur={() => {
          setOpen(false)
          setTyped(false)
          onChange(text.trim())
          onBlur()
        }}
      />
      <div
        id={`${id}-list`}
        role="listbox"
        aria-label="Types"
        className="combo-list"
        hidden={!isOpen || found.length === 0}
      >
        {(isOpen ? found : []).map((each, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the focus and takes the keys
          // biome-ignore lint/a11y/useFocusableInteractive: as above
          <div
            key={each.name}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === at}
            className="combo-option"
            // The field keeps the focus, or the list would be gone before the click.
            onPointerDown={event => event.preventDefault()}
            onClick={() => choose(each.name)}
          >
            <code>{each.name}</code>
            <span className="faint clip">{each.description}</span>
            <span className="faint number">{each.workers === 0 ? '' : plural(each.workers, 'worker')}</span>
          </div>
        ))}
      </div>
      <FaultText id={id} fault={fault} />
      <Hint
        text={text}
        isChosen={isChosen}
        hasAny={known.all.length > 0}
        description={known.of(text)?.description ?? ''}
      />
    </div>
  )
}

function matching(all: readonly KnownType[], text: string): readonly KnownType[] {
  const wanted = text.trim().toLowerCase()
  return all
    .filter(({ name, description }) => `${name} ${description}`.toLowerCase().includes(wanted))
    .slice(0, shownMax)
}

interface HintProps {
  readonly text: string
  readonly isChosen: boolean
  readonly hasAny: boolean
  readonly description: string
}

function Hint({ text, isChosen, hasAny, description }: HintProps) {
  if (!hasAny) return <small className="hint">No worker has registered its types yet; any name can be submitted.</small>
  if (isChosen) return description === '' ? null : <small className="hint">{description}</small>
  if (text === '') return null
  return <small className="hint">No live worker says that it runs this type; the task would wait for one.</small>
}
