import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { Problem } from '../core/problem.ts'
import { parseInstant } from './instant.ts'
import { sentencesOf } from './schema-sentences.ts'

/** Null when the value fits, otherwise the refusal. */
export type SchemaCheck = (value: unknown) => Problem | null

/** Values with more parts than this are explained by their first fault alone, so that a refusal stays cheap. */
const explainedPartsMax = 20_000

// The quick one stops at the first fault. The thorough one runs only after a refusal, to name every fault.
const quick = createAjv(false)
const thorough = createAjv(true)

/**
 * Compiles a JSON Schema. Nothing is coerced, removed or filled in.
 *
 * @param where what the pointers of the refusal mean: `body` gives JSON pointers, `query` the names of parameters
 */
export function createSchemaCheck(schema: object, where: 'body' | 'query' = 'body'): SchemaCheck {
  const fits = quick.compile(schema)
  let explain: ValidateFunction | null = null
  return value => {
    if (fits(value)) return null
    let errors = fits.errors ?? []
    if (hasAtMostParts(value, explainedPartsMax)) {
      explain ??= thorough.compile(schema)
      explain(value)
      errors = explain.errors ?? errors
    }
    return schemaProblem(errors, where)
  }
}

function createAjv(allErrors: boolean): Ajv {
  const ajv = new Ajv({ allErrors, verbose: true, strict: true, allowUnionTypes: true, strictTypes: false })
  ajv.addFormat('date-time', { type: 'string', validate: text => parseInstant(text) !== null })
  return ajv
}

function schemaProblem(errors: readonly ErrorObject[], where: 'body' | 'query'): Problem {
  const told = sentencesOf(errors).map(({ pointer, detail }) => ({
    pointer: where === 'query' ? pointer.slice(1) : pointer,
    detail: where === 'query' ? detail.replace(/^Field /, 'Query parameter ') : detail,
  }))
  return validationProblem(told)
}

/** One refusal out of several faults: its sentence is the first one's. */
export function validationProblem(errors: readonly { readonly pointer: string; readonly detail: string }[]): Problem {
  const first = errors[0]?.detail ?? 'The request does not fit its schema.'
  const more = errors.length - 1
  const detail =
    more < 1
      ? first
      : `${first.replace(/\.$/, '')}; ${more} more ${more === 1 ? 'fault is' : 'faults are'} listed in errors.`
  return new Problem('validation_failed', detail, errors)
}

function hasAtMostParts(root: unknown, partsMax: number): boolean {
  const left: unknown[] = [root]
  let parts = 0
  while (left.length > 0) {
    const value = left.pop()
    if (typeof value !== 'object' || value === null) continue
    const children = Array.isArray(value) ? value : Object.values(value)
    parts += children.length
    if (parts > partsMax) return false
    for (const child of children) left.push(child)
  }
  return true
}
