import type { Json } from '@tasklane/protocol'

export type Schema = { readonly [key: string]: Json }

export function isSchema(value: Json | undefined): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** References point into the schema itself; a ring of them ends here. */
const hopsMax = 20

/** The schema that is meant: what a local reference points to, with what stands beside it. */
export function resolve(schema: Json | undefined, root: Json | undefined): Schema {
  let found = isSchema(schema) ? schema : {}
  for (let hop = 0; typeof found.$ref === 'string' && hop < hopsMax; hop += 1) {
    const { $ref, ...beside } = found
    const target = at(root, $ref)
    if (!isSchema(target)) return beside
    found = { ...target, ...beside }
  }
  return found
}

function at(root: Json | undefined, reference: string): Json | undefined {
  if (!reference.startsWith('#')) return undefined
  let place: Json | undefined = root
  for (const part of reference.slice(1).split('/').slice(1)) {
    const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof place !== 'object' || place === null || !Object.hasOwn(place, name)) return undefined
    place = (place as { readonly [name: string]: Json })[name] // A list has its indexes for names.
  }
  return place
}

/** Types that a value may have; empty is any. */
export function typesOf(schema: Schema): readonly string[] {
  if (typeof schema.type === 'string') return [schema.type]
  return Array.isArray(schema.type) ? schema.type.filter(each => typeof each === 'string') : []
}

/** What may stand in its place, where it may be one of several things. */
export function variantsOf(schema: Schema): readonly Json[] | null {
  const variants = schema.oneOf ?? schema.anyOf
  return Array.isArray(variants) && variants.length > 0 ? variants : null
}

/** A value to begin with: defaults and constants, and what is required of an object. */
export function firstValue(schema: Json | undefined, root: Json | undefined, depth = 0): Json | undefined {
  const meant = resolve(schema, root)
  if (meant.default !== undefined) return meant.default
  if (meant.const !== undefined) return meant.const
  const variants = variantsOf(meant)
  if (variants !== null && typesOf(meant).length === 0)
    return depth > 5 ? undefined : firstValue(variants[0], root, depth + 1)
  if (!typesOf(meant).includes('object') || depth > 5) return undefined
  const properties = isSchema(meant.properties) ? Object.entries(meant.properties) : []
  const object: Record<string, Json> = {}
  for (const [name, inner] of properties) {
    const isRequired = Array.isArray(meant.required) && meant.required.includes(name)
    const value = firstValue(inner, root, depth + 1) ?? (isRequired ? unticked(inner, root) : undefined)
    // An object that holds nothing yet is there only where it has to be: then its own fields say what is missing.
    if (value !== undefined && (isRequired || !isEmpty(value))) object[name] = value
  }
  return object
}

/** A box that is not ticked is a no, where an answer is required. */
function unticked(inner: Json, root: Json | undefined): Json | undefined {
  return resolve(inner, root).type === 'boolean' ? false : undefined
}

function isEmpty(value: Json): boolean {
  return isSchema(value) && Object.keys(value).length === 0
}

export type FieldKind = 'object' | 'list' | 'choice' | 'constant' | 'variant' | 'boolean' | 'number' | 'text' | 'json'

/** Deeper than this the JSON itself is easier to read than its form. */
const drawnDepthMax = 6

/** How a value is asked for; what no form says is asked for as JSON, in its own place. */
export function kindOf(schema: Schema, depth: number): FieldKind {
  if (depth > drawnDepthMax || 'allOf' in schema || 'not' in schema) return 'json'
  if (Array.isArray(schema.enum)) return 'choice'
  if (schema.const !== undefined) return 'constant'
  const types = typesOf(schema).filter(type => type !== 'null')
  if (variantsOf(schema) !== null) return types.length === 0 || types[0] === 'object' ? 'variant' : 'json'
  if (types.length !== 1) return 'json'
  const [type = ''] = types
  if (type === 'object')
    return isSchema(schema.properties) && Object.keys(schema.properties).length > 0 ? 'object' : 'json'
  if (type === 'array') return isSchema(schema.items) ? 'list' : 'json'
  return simpleKinds[type] ?? 'json'
}

const simpleKinds: Readonly<Record<string, FieldKind>> = {
  boolean: 'boolean',
  number: 'number',
  integer: 'number',
  string: 'text',
}

export function titleOf(schema: Schema, otherwise: string): string {
  return typeof schema.title === 'string' && schema.title !== '' ? schema.title : otherwise
}
