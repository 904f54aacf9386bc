import type { Json } from '@tasklane/protocol'
import { useState } from 'react'
import { FaultText } from './fault-text.tsx'
import { findSyntaxFault } from './json-syntax.ts'

interface JsonFieldProps {
  readonly id: string
  readonly label: string
  readonly value: Json | undefined
  readonly onChange: (value: Json | undefined) => void
  readonly onFault?: (fault: string | null) => void
  readonly rows?: number
  /** What else is wrong with it, once it is JSON. */
  readonly fault?: string | undefined
  readonly onBlur?: () => void
}

/** A text that must be JSON, and is passed on only while it is; a fault names its line and column. */
export function JsonField(props: JsonFieldProps) {
  const { id } = props
  const [text, setText] = useState(() => textOf(props.value))
  const [syntax, setSyntax] = useState<string | null>(null)
  const change = (next: string) => {
    setText(next)
    const found = next.trim() === '' ? null : findSyntaxFault(next)
    const words = found === null ? null : `Line ${found.line}, column ${found.column}: ${found.detail}.`
    setSyntax(words)
    props.onFault?.(words)
    if (words === null) props.onChange(next.trim() === '' ? undefined : JSON.parse(next))
  }
  const tidy = () => {
    if (syntax === null && text.trim() !== '') setText(JSON.stringify(JSON.parse(text), null, 2))
    props.onBlur?.()
  }
  const fault = syntax ?? props.fault
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      <textarea
        id={id}
        className="code"
        rows={props.rows ?? 5}
        value={text}
        spellCheck={false}
        aria-invalid={fault !== undefined}
        aria-describedby={`${id}-fault`}
        onChange={event => change(event.target.value)}
        onBlur={tidy}
      />
      {fault === undefined ? (
        <small id={`${id}-fault`} className="hint">
          JSON of at most 1 MiB
        </small>
      ) : (
        <FaultText id={id} fault={fault} />
      )}
    </div>
  )
}

function textOf(value: Json | undefined): string {
  return value === undefined || value === null ? '' : JSON.stringify(value, null, 2)
}
