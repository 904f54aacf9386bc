import { useQuery } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { type KeyboardEvent, useDeferredValue, useId, useState } from 'react'
import { fewTasksQuery } from '../api/queries.ts'
import { StateIcon } from '../parts/state.tsx'
import { FaultText } from './fault-text.tsx'
import { useFault } from './faults.ts'

interface DependenciesFieldProps {
  readonly value: readonly string[]
  readonly proceeds: boolean
  readonly onChange: (changes: { readonly dependencies?: readonly string[]; readonly proceeds?: boolean }) => void
}

const foundMax = 8

/** Tasks that have to end first, found by id, name or type; an id may be typed or pasted, too. */
export function DependenciesField({ value, proceeds, onChange }: DependenciesFieldProps) {
  const [text, setText] = useState('')
  const id = useId()
  const wanted = useDeferredValue(text.trim())
  const { fault } = useFault('/dependencies')
  const { data } = useQuery({ ...fewTasksQuery({ q: wanted }, foundMax), enabled: wanted.length > 1 })
  const found = (data ?? []).filter(task => !value.includes(task.task_id))
  const add = (ids: readonly string[]) => {
    setText('')
    onChange({ dependencies: [...new Set([...value, ...ids])] })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') {
      event.preventDefault()
      add(text.split(/[\s,]+/).filter(each => each !== ''))
    } else if (event.key === 'Backspace' && text === '') onChange({ dependencies: value.slice(0, -1) })
  }
  return (
    <div className="field">
      <label htmlFor={id}>Runs after</label>
      {value.length === 0 ? null : (
        <ul className="chips picked">
          {value.map(each => (
            <li key={each} className="chip">
              <code className="clip">{each}</code>
              <button
                type="button"
                className="chip-remove"
                aria-label={`Does not run after ${each}`}
                onClick={() => onChange({ dependencies: value.filter(other => other !== each) })}
              >
                <X size={13} aria-hidden="true" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <input
        id={id}
        value={text}
        placeholder="Find a task, or paste its id and press Enter"
        spellCheck={false}
        autoComplete="off"
        onChange={event => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {wanted.length < 2 || text === '' ? null : (
        <ul className="found" aria-label="Tasks found">
          {found.map(task => (
            <li key={task.task_id}>
              <button type="button" className="menu-item" onClick={() => add([task.task_id])}>
                <StateIcon state={task.status} />
                <span className="clip">{task.name ?? task.task_type}</span>
                <code className="faint clip push">{task.task_id}</code>
              </button>
            </li>
          ))}
          {found.length === 0 ? (
            <li className="faint menu-who">No task is found by that; Enter takes it as an id.</li>
          ) : null}
        </ul>
      )}
      <FaultText id={id} fault={fault} />
      {value.length === 0 ? null : (
        <label className="tick">
          <input type="checkbox" checked={proceeds} onChange={event => onChange({ proceeds: event.target.checked })} />
          Run also when one of them fails
        </label>
      )}
    </div>
  )
}
