import { useQuery } from '@tanstack/react-query'
import { Shuffle } from 'lucide-react'
import { useId } from 'react'
import { queuesQuery } from '../api/queries.ts'
import { Button } from '../parts/basic.tsx'
import { DependenciesField } from './dependencies-field.tsx'
import type { Draft } from './drafts.ts'
import { FaultText } from './fault-text.tsx'
import { invalidBy, useFault } from './faults.ts'
import { LabelsField } from './labels-field.tsx'

interface OptionsProps {
  readonly draft: Draft
  readonly onChange: (changes: Partial<Draft>) => void
}

/** What a submit may say beside its payload. */
export function Options({ draft, onChange }: OptionsProps) {
  const isOpen =
    draft.delay !== '' ||
    draft.at !== '' ||
    draft.dependencies.length > 0 ||
    draft.labels.length > 0 ||
    draft.queue !== ''
  return (
    <>
      <label className="field">
        <span>
          Priority <strong>{draft.priority ?? 'default'}</strong> <span className="faint">1 is last, 10 is first</span>
        </span>
        <input
          type="range"
          min={1}
          max={10}
          step={1}
          value={draft.priority ?? 5}
          onChange={event => onChange({ priority: Number(event.target.value) })}
        />
      </label>
      <details className="more-options" open={isOpen}>
        <summary>More</summary>
        <div className="stack">
          <div className="two">
            <Text label="Name" pointer="/name" value={draft.name} max={256} onChange={name => onChange({ name })} />
            <QueueField value={draft.queue} onChange={queue => onChange({ queue })} />
            <Text
              label="Delay, seconds"
              pointer="/delay"
              type="number"
              value={draft.delay}
              onChange={delay => onChange({ delay, at: '' })}
            />
            <Text
              label="Not before"
              pointer="/run_at"
              type="datetime-local"
              value={draft.at}
              onChange={at => onChange({ at, delay: '' })}
            />
            <Timeout draft={draft} onChange={onChange} />
            <Text
              label="Retries"
              pointer="/max_retries"
              type="number"
              hint="5"
              value={draft.retries}
              onChange={retries => onChange({ retries })}
            />
          </div>
          <DependenciesField value={draft.dependencies} proceeds={draft.proceeds} onChange={onChange} />
          <LabelsField value={draft.labels} onChange={labels => onChange({ labels })} />
          <KeyField value={draft.key} onChange={key => onChange({ key })} />
          <Text
            label="Description"
            pointer="/description"
            value={draft.description}
            max={4_096}
            onChange={description => onChange({ description })}
          />
        </div>
      </details>
    </>
  )
}

function Timeout({ draft, onChange }: OptionsProps) {
  return (
    <div className="field">
      <Text
        label="Time limit, seconds"
        pointer="/timeout"
        type="number"
        hint={draft.hasNoTimeout ? 'none' : '300'}
        isOff={draft.hasNoTimeout}
        value={draft.hasNoTimeout ? '' : draft.timeout}
        onChange={timeout => onChange({ timeout })}
      />
      <label className="tick">
        <input
          type="checkbox"
          checked={draft.hasNoTimeout}
          onChange={event => onChange({ hasNoTimeout: event.target.checked })}
        />
        No limit
      </label>
    </div>
  )
}

function QueueField({ value, onChange }: { readonly value: string; readonly onChange: (queue: string) => void }) {
  const { data: queues } = useQuery(queuesQuery)
  const id = useId()
  const { fault, onBlur } = useFault('/queue')
  return (
    <div className="field">
      <label htmlFor={id}>Queue</label>
      <input
        id={id}
        list={`${id}-queues`}
        value={value}
        placeholder="default"
        maxLength={128}
        spellCheck={false}
        {...invalidBy(id, fault)}
        onBlur={onBlur}
        onChange={event => onChange(event.target.value)}
      />
      <datalist id={`${id}-queues`}>
        {queues?.map(queue => (
          <option key={queue.name} value={queue.name} />
        ))}
      </datalist>
      <FaultText id={id} fault={fault} />
    </div>
  )
}

/** Of two submits with one key the second is the first: a double click makes one task. */
function KeyField({ value, onChange }: { readonly value: string; readonly onChange: (key: string) => void }) {
  return (
    <div className="with-button">
      <Text label="Idempotency key" pointer="/idempotency_key" value={value} max={256} onChange={onChange} />
      <Button icon={Shuffle} onClick={() => onChange(randomKey())}>
        Make one
      </Button>
    </div>
  )
}

/** The browser's own UUIDs are kept from pages of plain HTTP. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('')
}

interface TextProps {
  readonly label: string
  readonly pointer: string
  readonly value: string
  readonly type?: string
  readonly hint?: string
  readonly max?: number
  readonly isOff?: boolean
  readonly onChange: (value: string) => void
}

function Text({ label, pointer, value, type = 'text', hint, max, isOff = false, onChange }: TextProps) {
  const id = useId()
  const { fault, onBlur } = useFault(pointer)
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type={type}
        {...(type === 'number' ? { min: 0, step: 'any' } : {})}
        value={value}
        placeholder={hint}
        maxLength={max}
        disabled={isOff}
        spellCheck={false}
        {...invalidBy(id, fault)}
        onBlur={onBlur}
        onChange={event => onChange(event.target.value)}
      />
      <FaultText id={id} fault={fault} />
    </div>
  )
}
