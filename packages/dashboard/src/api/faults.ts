import { ApiError } from './api-error.ts'

/** A refusal, sorted by the fields of a form; what is said of none of them is the rest. */
export interface Faults {
  readonly of: Readonly<Record<string, string>>
  readonly rest: string | null
}

export const noFaults: Faults = { of: {}, rest: null }

/** Refusals of a name that somebody else has: they tell no field, since they are no matter of a schema. */
const takenNames: readonly string[] = ['user_exists', 'token_exists']

/** @param fields names in the body of the call; what is said of an entry of a list is said of the list */
export function faultsOf(error: unknown, fields: readonly string[]): Faults {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof ApiError && takenNames.includes(error.code) && fields.includes('name'))
    return { of: { name: message }, rest: null }
  const errors = error instanceof ApiError ? (error.problem?.errors ?? []) : []
  const of: Record<string, string> = {}
  let isAllPlaced = errors.length > 0
  for (const { pointer, detail } of errors) {
    const field = pointer.split('/')[1] ?? ''
    if (fields.includes(field)) of[field] ??= detail
    else isAllPlaced = false
  }
  return { of, rest: isAllPlaced ? null : message }
}
