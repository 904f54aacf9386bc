import { Plus, X } from 'lucide-react'
import { Button } from '../parts/basic.tsx'
import type { Pair } from './drafts.ts'
import { FaultText } from './fault-text.tsx'
import { useFault } from './faults.ts'

interface LabelsFieldProps {
  readonly value: readonly Pair[]
  readonly onChange: (labels: readonly Pair[]) => void
}

export function LabelsField({ value, onChange }: LabelsFieldProps) {
  const { fault } = useFault('/labels')
  const set = (index: number, pair: Pair) => onChange(value.map((old, at) => (at === index ? pair : old)))
  return (
    <fieldset className="field labels">
      <legend>Labels</legend>
      {value.map(([key, text], index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a label that is being typed has no other name
        <div className="label-row" key={index}>
          <input
            aria-label={`Label ${index + 1}`}
            placeholder="customer"
            maxLength={64}
            value={key}
            spellCheck={false}
            onChange={event => set(index, [event.target.value, text])}
          />
          <input
            aria-label={`Value of label ${index + 1}`}
            placeholder="42"
            maxLength={256}
            value={text}
            spellCheck={false}
            onChange={event => set(index, [key, event.target.value])}
          />
          <Button
            look="ghost"
            icon={X}
            label={`Remove label ${index + 1}`}
            onClick={() => onChange(value.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      <FaultText id="labels" fault={fault} />
      <Button isSmall icon={Plus} onClick={() => onChange([...value, ['', '']])}>
        Add a label
      </Button>
    </fieldset>
  )
}
