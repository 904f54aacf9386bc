import type { Json } from '@tasklane/protocol'
import { Plus, X } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { Button } from '../parts/basic.tsx'
import { FaultText } from './fault-text.tsx'
import { invalidBy, useFault } from './faults.ts'
import { JsonField } from './json-field.tsx'
import { Scalar } from './scalar-field.tsx'
import { firstValue, isSchema, kindOf, resolve, type Schema, titleOf, typesOf, variantsOf } from './schema.ts'
import { validate } from './validate.ts'

export interface FieldProps {
  readonly name: string
  readonly given: Json
  readonly root: Json
  readonly value: Json | undefined
  readonly isRequired: boolean
  readonly onChange: (value: Json | undefined) => void
  /** Of the value within the body of the submit. */
  readonly pointer: string
  readonly depth: number
}

interface FormProps {
  readonly schema: Json
  readonly value: Json
  readonly onChange: (value: Json | undefined) => void
}

/** The form of a whole payload: the fields of an object, or a field for whatever else it is. */
export function SchemaForm({ schema, value, onChange }: FormProps) {
  if (isEmptyObject(resolve(schema, schema))) return <p className="faint">This type takes no fields.</p>
  return (
    <Bare
      name="payload"
      given={schema}
      root={schema}
      value={value ?? undefined}
      isRequired
      onChange={onChange}
      pointer="/payload"
      depth={0}
    />
  )
}

/** A value without a frame of its own: the fields of an object, or a field for whatever else it is. */
function Bare(props: FieldProps) {
  const { given, root, value, isRequired, onChange, pointer, depth } = props
  const schema = resolve(given, root)
  if (kindOf(schema, depth) !== 'object') return <Field {...props} />
  return (
    <Members
      schema={schema}
      root={root}
      value={value}
      isOptional={!isRequired}
      onChange={onChange}
      pointer={pointer}
      depth={depth}
    />
  )
}

function isEmptyObject(schema: Schema): boolean {
  return isSchema(schema.properties) && Object.keys(schema.properties).length === 0
}

/** Whether a form says more than the JSON itself would. */
export function canDraw(schema: Json | undefined): schema is Json {
  if (!isSchema(schema)) return false
  const meant = resolve(schema, schema)
  return kindOf(meant, 0) !== 'json' || isEmptyObject(meant)
}

interface MembersProps {
  readonly schema: Schema
  readonly root: Json
  readonly value: Json | undefined
  readonly onChange: (value: Json | undefined) => void
  readonly pointer: string
  readonly depth: number
  readonly isOptional?: boolean
}

function Members({ schema, root, value, onChange, pointer, depth, isOptional }: MembersProps) {
  const object = isSchema(value) ? value : {}
  const properties = isSchema(schema.properties) ? Object.entries(schema.properties) : []
  const required = Array.isArray(schema.required) ? schema.required : []
  return properties.map(([name, inner]) => (
    <Field
      key={name}
      name={name}
      given={inner}
      root={root}
      value={Object.hasOwn(object, name) ? object[name] : undefined}
      isRequired={required.includes(name)}
      pointer={`${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`}
      depth={depth + 1}
      onChange={next => {
        const { [name]: _old, ...rest } = object
        // A name that is there keeps its place; an object that lost its last one may be none.
        if (next !== undefined) onChange({ ...object, [name]: next })
        else onChange(Object.keys(rest).length === 0 && isOptional === true ? undefined : rest)
      }}
    />
  ))
}

/** `payload-lines-0-sku`: what labels and tests find a field by. */
export function idOf(pointer: string): string {
  return pointer.slice(1).replaceAll('/', '-')
}

export function Field(props: FieldProps): ReactNode {
  const { name, given, root, value, isRequired, onChange, pointer, depth } = props
  const schema = resolve(given, root)
  const { fault, onBlur } = useFault(pointer)
  const id = idOf(pointer)
  const label = (
    <span>
      {titleOf(schema, name)}
      {isRequired ? null : <span className="faint"> optional</span>}
    </span>
  )
  const hint = typeof schema.description === 'string' ? <small className="hint">{schema.description}</small> : null
  const kind = kindOf(schema, depth)
  switch (kind) {
    case 'object':
      return (
        <fieldset className="nested">
          <legend>{label}</legend>
          {hint}
          <Bare {...props} />
          <FaultText id={id} fault={fault} />
        </fieldset>
      )
    case 'list':
      return <ListField {...props} schema={schema} label={label} hint={hint} />
    case 'variant':
      return <Variant {...props} schema={schema} label={label} hint={hint} />
    case 'boolean':
      return (
        <div>
          <label className="tick">
            <input
              id={id}
              type="checkbox"
              checked={value === true}
              {...invalidBy(id, fault)}
              onBlur={onBlur}
              onChange={event => onChange(event.target.checked)}
            />
            {label} {hint}
          </label>
          <FaultText id={id} fault={fault} />
        </div>
      )
    case 'json':
      return (
        <JsonField
          id={id}
          label={`${titleOf(schema, name)}${isRequired ? '' : ' optional'}`}
          value={value}
          onChange={onChange}
          fault={fault}
          onBlur={onBlur}
          rows={3}
        />
      )
    case 'constant':
      return (
        <p className="faint">
          {titleOf(schema, name)}: <code>{JSON.stringify(schema.const)}</code>
        </p>
      )
    case 'choice':
    case 'number':
    case 'text':
      return (
        <div className="field">
          <label htmlFor={id}>{label}</label>
          <Scalar
            id={id}
            kind={kind}
            schema={schema}
            value={value}
            isRequired={isRequired}
            fault={fault}
            onBlur={onBlur}
            onChange={onChange}
          />
          {hint}
          <FaultText id={id} fault={fault} />
        </div>
      )
  }
}

interface ListFieldProps extends FieldProps {
  readonly schema: Schema
  readonly label: ReactNode
  readonly hint: ReactNode
}

function ListField({ name, schema, root, value, isRequired, onChange, pointer, depth, label, hint }: ListFieldProps) {
  const list: readonly Json[] = Array.isArray(value) ? value : []
  const items = schema.items ?? {}
  const { fault } = useFault(pointer)
  // A list that is not required and has no entry is not there.
  const change = (next: readonly Json[]) => onChange(next.length === 0 && !isRequired ? undefined : next)
  return (
    <fieldset className="nested">
      <legend>{label}</legend>
      {hint}
      {list.map((each, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: entries of a list have no other name
        <div className="list-entry" key={index}>
          <Field
            name={`${name} ${index + 1}`}
            given={items}
            root={root}
            value={each}
            isRequired
            pointer={`${pointer}/${index}`}
            depth={depth + 1}
            onChange={next => change(list.map((old, at) => (at === index ? (next ?? null) : old)))}
          />
          <Button
            look="ghost"
            icon={X}
            label={`Remove ${name} ${index + 1}`}
            onClick={() => change(list.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      <FaultText id={idOf(pointer)} fault={fault} />
      <Button isSmall icon={Plus} aria-label={`Add to ${name}`} onClick={() => change([...list, entryOf(items, root)])}>
        Add
      </Button>
    </fieldset>
  )
}

function entryOf(items: Json, root: Json): Json {
  const first = firstValue(items, root)
  if (first !== undefined) return first
  const [type] = typesOf(resolve(items, root))
  if (type === 'object') return {}
  if (type === 'array') return []
  if (type === 'boolean') return false
  return type === 'string' ? '' : null
}

interface VariantProps extends FieldProps {
  readonly schema: Schema
  readonly label: ReactNode
  readonly hint: ReactNode
}

/** One of several things: which one is chosen first, then that one is drawn. */
function Variant({ schema, name, root, value, onChange, pointer, depth, isRequired, label, hint }: VariantProps) {
  const variants = variantsOf(schema) ?? []
  const [chosen, setChosen] = useState(() => nearest(variants, root, value))
  const id = `${idOf(pointer)}-variant`
  const variant = variants[chosen]
  const inner = resolve(variant, root)
  const { fault } = useFault(pointer)
  const choose = (at: number) => {
    setChosen(at)
    const next = firstValue(variants[at], root)
    onChange(next ?? (typesOf(resolve(variants[at], root)).includes('object') ? {} : undefined))
  }
  return (
    <fieldset className="nested">
      <legend>{label}</legend>
      {hint}
      <label className="field" htmlFor={id}>
        <span>Kind</span>
        <select id={id} value={chosen} onChange={event => choose(Number(event.target.value))}>
          {variants.map((each, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: variants of one schema never move
            <option key={at} value={at}>
              {nameOfVariant(resolve(each, root), at)}
            </option>
          ))}
        </select>
      </label>
      {variant === undefined ? null : (
        <Bare
          key={chosen}
          name={nameOfVariant(inner, chosen)}
          given={variant}
          root={root}
          value={value}
          isRequired={isRequired}
          onChange={onChange}
          pointer={pointer}
          depth={depth + 1}
        />
      )}
      <FaultText id={`${name}-variant`} fault={fault} />
    </fieldset>
  )
}

function nameOfVariant(schema: Schema, at: number): string {
  const properties = isSchema(schema.properties) ? schema.properties : {}
  const mark = Object.values(properties).find(each => isSchema(each) && typeof each.const === 'string')
  const byMark = isSchema(mark) && typeof mark.const === 'string' ? mark.const : null
  const byNames = Object.keys(properties).join(', ')
  return titleOf(schema, byMark ?? (byNames || typesOf(schema).join(' or ') || `Kind ${at + 1}`))
}

/** The variant that a value fits, or comes closest to. */
function nearest(variants: readonly Json[], root: Json, value: Json | undefined): number {
  if (value === undefined) return 0
  const faults = variants.map(variant => validate(withRoot(variant, root), value).length)
  return Math.max(0, faults.indexOf(Math.min(...faults)))
}

/** References of a variant point into the whole; what they point to is handed along. */
function withRoot(variant: Json, root: Json): Json {
  return isSchema(root) && isSchema(variant)
    ? { ...root, properties: {}, required: [], oneOf: [], anyOf: [], type: [], ...variant }
    : variant
}
