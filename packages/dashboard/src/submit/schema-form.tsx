import type { Json } from '@tasklane/protocol'
import { Plus, X } from 'lucide-react'
import { useState } from 'react'
import { Button } from '../parts/basic.tsx'

type Schema = { readonly [key: string]: Json }

export function isSchema(value: Json | undefined): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether a form can be drawn from it that says all of it; otherwise the JSON itself is edited. */
export function canDraw(schema: Json | undefined, depth = 0): schema is Schema {
  if (!isSchema(schema) || depth > 4) return false
  if ('$ref' in schema || 'oneOf' in schema || 'anyOf' in schema || 'allOf' in schema) return false
  if (Array.isArray(schema.enum))
    return schema.enum.every(choice => typeof choice === 'string' || typeof choice === 'number')
  if (schema.type === 'object') {
    const properties = schema.properties ?? {}
    return isSchema(properties) && Object.values(properties).every(inner => canDraw(inner, depth + 1))
  }
  if (schema.type === 'array') return canDraw(schema.items, depth + 1)
  return ['string', 'number', 'integer', 'boolean'].includes(String(schema.type))
}

interface FieldProps {
  readonly name: string
  readonly schema: Schema
  readonly value: Json | undefined
  readonly isRequired: boolean
  readonly onChange: (value: Json | undefined) => void
  readonly idPrefix: string
}

interface FormProps {
  readonly schema: Schema
  readonly value: Json
  readonly onChange: (value: Json) => void
  readonly idPrefix?: string
}

/** The fields of an object, in the order of its schema. */
export function SchemaForm({ schema, value, onChange, idPrefix = 'payload' }: FormProps) {
  const object = isSchema(value) ? value : {}
  const properties = isSchema(schema.properties) ? Object.entries(schema.properties) : []
  const required = Array.isArray(schema.required) ? schema.required : []
  if (properties.length === 0) return <p className="faint">This type takes no fields.</p>
  return (
    <>
      {properties.map(([name, inner]) =>
        isSchema(inner) ? (
          <Field
            key={name}
            name={name}
            schema={inner}
            value={object[name]}
            isRequired={required.includes(name)}
            idPrefix={idPrefix}
            onChange={next => {
              const { [name]: _old, ...rest } = object
              onChange(next === undefined ? rest : { ...rest, [name]: next })
            }}
          />
        ) : null,
      )}
    </>
  )
}

function Field(props: FieldProps) {
  const { name, schema, value, isRequired, onChange, idPrefix } = props
  const id = `${idPrefix}-${name}`
  const label = (
    <span>
      {typeof schema.title === 'string' ? schema.title : name}
      {isRequired ? null : <span className="faint"> optional</span>}
    </span>
  )
  const hint = typeof schema.description === 'string' ? <small className="hint">{schema.description}</small> : null
  if (schema.type === 'object') {
    return (
      <fieldset className="nested">
        <legend>{label}</legend>
        {hint}
        {isSchema(schema.properties) ? (
          <SchemaForm schema={schema} value={value ?? {}} onChange={onChange} idPrefix={id} />
        ) : (
          <JsonField id={id} value={value ?? {}} onChange={onChange} label={name} />
        )}
      </fieldset>
    )
  }
  if (schema.type === 'array' && isSchema(schema.items))
    return <ListField {...props} items={schema.items} label={label} hint={hint} />
  if (schema.type === 'boolean') {
    return (
      <label className="tick">
        <input type="checkbox" checked={value === true} onChange={event => onChange(event.target.checked)} />
        {label} {hint}
      </label>
    )
  }
  return (
    <label className="field" htmlFor={id}>
      {label}
      <Scalar {...props} id={id} />
      {hint}
    </label>
  )
}

function Scalar({ id, schema, value, isRequired, onChange }: FieldProps & { readonly id: string }) {
  if (Array.isArray(schema.enum)) {
    const choices = schema.enum
    return (
      <select
        id={id}
        required={isRequired}
        value={value === undefined ? '' : String(value)}
        onChange={event => onChange(choices.find(choice => String(choice) === event.target.value))}
      >
        <option value="">{isRequired ? 'Choose…' : 'none'}</option>
        {choices.map(choice => (
          <option key={String(choice)}>{String(choice)}</option>
        ))}
      </select>
    )
  }
  if (schema.type === 'number' || schema.type === 'integer') {
    const bound = (key: string) => (typeof schema[key] === 'number' ? schema[key] : undefined)
    return (
      <input
        id={id}
        type="number"
        required={isRequired}
        step={schema.type === 'integer' ? 1 : 'any'}
        min={bound('minimum')}
        max={bound('maximum')}
        value={typeof value === 'number' ? value : ''}
        onChange={event => onChange(event.target.value === '' ? undefined : Number(event.target.value))}
      />
    )
  }
  const text = typeof value === 'string' ? value : ''
  const change = (next: string) => onChange(next === '' && !isRequired ? undefined : next)
  const max = typeof schema.maxLength === 'number' ? schema.maxLength : undefined
  const isLong = max === undefined || max > 200
  return isLong ? (
    <textarea
      id={id}
      rows={2}
      required={isRequired}
      maxLength={max}
      value={text}
      onChange={event => change(event.target.value)}
    />
  ) : (
    <input id={id} required={isRequired} maxLength={max} value={text} onChange={event => change(event.target.value)} />
  )
}

interface ListFieldProps extends FieldProps {
  readonly items: Schema
  readonly label: React.ReactNode
  readonly hint: React.ReactNode
}

function ListField({ name, items, value, onChange, idPrefix, label, hint }: ListFieldProps) {
  const list: readonly Json[] = Array.isArray(value) ? value : []
  return (
    <fieldset className="nested">
      <legend>{label}</legend>
      {hint}
      {list.map((each, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: entries of a list have no other name
        <div className="list-entry" key={index}>
          <Field
            name={`${name} ${index + 1}`}
            schema={items}
            value={each}
            isRequired
            idPrefix={`${idPrefix}-${name}-${index}`}
            onChange={next => onChange(list.map((old, at) => (at === index ? (next ?? null) : old)))}
          />
          <Button
            look="ghost"
            icon={X}
            label={`Remove ${name} ${index + 1}`}
            onClick={() => onChange(list.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      <Button isSmall icon={Plus} onClick={() => onChange([...list, firstOf(items)])}>
        Add
      </Button>
    </fieldset>
  )
}

function firstOf(schema: Schema): Json {
  if (schema.default !== undefined) return schema.default
  if (schema.type === 'object') return {}
  if (schema.type === 'array') return []
  if (schema.type === 'boolean') return false
  return schema.type === 'string' ? '' : 0
}

/** What no form says: a text that must be JSON, and is passed on only while it is. */
export function JsonField(props: {
  readonly id: string
  readonly label: string
  readonly value: Json
  readonly onChange: (value: Json) => void
  readonly onFault?: (fault: string | null) => void
  readonly rows?: number
}) {
  const [text, setText] = useState(() => (props.value === null ? '' : JSON.stringify(props.value, null, 2)))
  const [fault, setFault] = useState<string | null>(null)
  const change = (next: string) => {
    setText(next)
    let found: string | null = null
    try {
      props.onChange(next.trim() === '' ? null : JSON.parse(next))
    } catch (error) {
      found = error instanceof Error ? error.message : String(error)
    }
    setFault(found)
    props.onFault?.(found)
  }
  return (
    <div className="field">
      <label htmlFor={props.id}>{props.label}</label>
      <textarea
        id={props.id}
        className="code"
        rows={props.rows ?? 5}
        value={text}
        spellCheck={false}
        aria-invalid={fault !== null}
        aria-describedby={`${props.id}-fault`}
        onChange={event => change(event.target.value)}
      />
      <small id={`${props.id}-fault`} className={fault === null ? 'hint' : 'fault-text'}>
        {fault ?? 'JSON of at most 1 MiB'}
      </small>
    </div>
  )
}
