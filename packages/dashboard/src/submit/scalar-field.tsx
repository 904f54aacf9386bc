import type { Json } from '@tasklane/protocol'
import { invalidBy } from './faults.ts'
import type { FieldKind, Schema } from './schema.ts'

interface ScalarProps {
  readonly id: string
  readonly kind: FieldKind
  readonly schema: Schema
  readonly value: Json | undefined
  readonly isRequired: boolean
  readonly fault: string | undefined
  readonly onBlur: () => void
  readonly onChange: (value: Json | undefined) => void
}

export function Scalar(props: ScalarProps) {
  if (props.kind === 'choice') return <Choice {...props} />
  return props.kind === 'number' ? <NumberInput {...props} /> : <TextInput {...props} />
}

function Choice({ id, schema, value, isRequired, fault, onBlur, onChange }: ScalarProps) {
  const choices: readonly Json[] = Array.isArray(schema.enum) ? schema.enum : []
  return (
    <select
      id={id}
      value={value === undefined ? '' : JSON.stringify(value)}
      {...invalidBy(id, fault)}
      onBlur={onBlur}
      onChange={event => onChange(choices.find(choice => JSON.stringify(choice) === event.target.value))}
    >
      <option value="">{isRequired ? 'Choose…' : 'none'}</option>
      {choices.map(choice => (
        <option key={JSON.stringify(choice)} value={JSON.stringify(choice)}>
          {typeof choice === 'string' ? choice : JSON.stringify(choice)}
        </option>
      ))}
    </select>
  )
}

function NumberInput({ id, schema, value, fault, onBlur, onChange }: ScalarProps) {
  const bound = (key: string) => (typeof schema[key] === 'number' ? schema[key] : undefined)
  return (
    <input
      id={id}
      type="number"
      step={schema.type === 'integer' ? 1 : 'any'}
      min={bound('minimum')}
      max={bound('maximum')}
      placeholder={rangeOf(bound('minimum'), bound('maximum'))}
      value={typeof value === 'number' ? value : ''}
      {...invalidBy(id, fault)}
      onBlur={onBlur}
      onChange={event => onChange(event.target.value === '' ? undefined : Number(event.target.value))}
    />
  )
}

function rangeOf(least: number | undefined, most: number | undefined): string | undefined {
  if (least !== undefined && most !== undefined) return `${least} to ${most}`
  if (least !== undefined) return `${least} or more`
  return most === undefined ? undefined : `${most} or less`
}

const inputTypes: Readonly<Record<string, string>> = { email: 'email', uri: 'url', date: 'date' }
const placeholders: Readonly<Record<string, string>> = {
  'date-time': '2030-01-31T09:30:00Z',
  time: '09:30:00',
  uuid: '00000000-0000-0000-0000-000000000000',
}
/** Longer texts want more than one line. */
const lineCharsMax = 200

function TextInput({ id, schema, value, isRequired, fault, onBlur, onChange }: ScalarProps) {
  const format = typeof schema.format === 'string' ? schema.format : ''
  const max = typeof schema.maxLength === 'number' ? schema.maxLength : undefined
  const all = {
    id,
    value: typeof value === 'string' ? value : '',
    spellCheck: false,
    placeholder: placeholders[format],
    ...invalidBy(id, fault),
    onBlur,
    onChange: (event: { readonly target: { readonly value: string } }) => {
      const next = event.target.value
      onChange(next === '' && !isRequired ? undefined : next)
    },
  }
  const isLong = format === '' && !('pattern' in schema) && (max === undefined || max > lineCharsMax)
  return isLong ? <textarea rows={2} {...all} /> : <input type={inputTypes[format] ?? 'text'} {...all} />
}
