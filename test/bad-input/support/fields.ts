import type { Schema } from './document.ts'
import type { Example } from './examples.ts'

export type FieldPath = readonly (string | number)[]

/** One place in a body that the schema describes and an example fills. */
export interface Field {
  readonly path: FieldPath
  readonly schema: Schema
  readonly example: Example
  readonly value: unknown
  readonly isRequired: boolean
}

/** Every place of the body that at least one example fills, each once, containers included, the body itself not. */
export function fieldsOf(schema: Schema, examples: readonly Example[]): readonly Field[] {
  const found = new Map<string, Field>()
  for (const example of examples) {
    if (example.body === undefined) continue
    walk(schema, example.body, [], false, field => {
      const name = nameOf(field.path)
      if (!found.has(name)) found.set(name, { ...field, example })
    })
  }
  return [...found.values()]
}

/** `/tasks/0/priority` */
export function nameOf(path: FieldPath): string {
  return path.map(part => `/${part}`).join('')
}

/** The fields that the schema names; elements of lists stand for all of their list. */
export function describedNames(schema: Schema, value: unknown, at: FieldPath = []): readonly string[] {
  const names: string[] = []
  const chosen = branchFor(schema, value)
  for (const [name, child] of Object.entries(chosen.properties ?? {})) {
    names.push(nameOf([...at, name]))
    if (hasMember(value, name)) names.push(...describedNames(child, value[name], [...at, name]))
  }
  if (chosen.items !== undefined && Array.isArray(value) && value.length > 0) {
    names.push(...describedNames(chosen.items, value[0], [...at, 0]))
  }
  return names
}

function walk(
  schema: Schema,
  value: unknown,
  path: FieldPath,
  isRequired: boolean,
  visit: (field: Omit<Field, 'example'>) => void,
): void {
  const chosen = branchFor(schema, value)
  if (path.length > 0) visit({ path, schema: chosen, value, isRequired })
  if (Array.isArray(value)) {
    if (chosen.items !== undefined && value.length > 0) walk(chosen.items, value[0], [...path, 0], false, visit)
    return
  }
  if (typeof value !== 'object' || value === null) return
  for (const [name, child] of Object.entries(value)) {
    const described = chosen.properties?.[name] ?? chosen.additionalProperties
    if (typeof described !== 'object') continue
    walk(described, child, [...path, name], chosen.required?.includes(name) === true, visit)
  }
}

/** Of several shapes, the one that the example has. */
function branchFor(schema: Schema, value: unknown): Schema {
  if (schema.anyOf === undefined) return schema
  const kind = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value
  return schema.anyOf.find(branch => branch.type === kind) ?? schema
}

function hasMember(value: unknown, name: string): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
}

const hole = '@@the hole@@'

/** The JSON text of the body with this text, which need not be JSON, in the place of one field. */
export function bodyWith(body: object, path: FieldPath, text: string): string {
  return JSON.stringify(replaced(body, path, hole)).replace(JSON.stringify(hole), () => text)
}

/** The JSON text of the body without one field. */
export function bodyWithout(body: object, path: FieldPath): string {
  return JSON.stringify(replaced(body, path, undefined))
}

/** The JSON text with one member more in the object at this path. */
export function bodyWithMember(body: object, path: FieldPath, member: string): string {
  return JSON.stringify(replaced(body, [...path, hole], 0)).replace(`${JSON.stringify(hole)}:0`, () => member)
}

function replaced(value: unknown, path: FieldPath, by: unknown): unknown {
  const [name, ...rest] = path
  if (name === undefined) return by
  if (Array.isArray(value)) return value.map((child, at) => (at === name ? replaced(child, rest, by) : child))
  return { ...Object(value), [name]: replaced(Object(value)[name], rest, by) }
}
