import type { ProblemDetail } from '@tasklane/protocol'
import { createContext, useContext } from 'react'
import { ApiError } from '../api/http.ts'
import type { ValueFault } from './validate.ts'

/** What is wrong with a submit, each with its place in the body: `/priority`, `/payload/lines/0/sku`. */
export interface Faults {
  readonly all: readonly ValueFault[]
  /** Of somebody who has not been in a field yet nothing is said about it. */
  readonly onTouch: (pointer: string) => void
}

export const FaultsContext = createContext<Faults>({ all: [], onTouch: () => {} })

export interface FieldFault {
  readonly fault: string | undefined
  readonly onBlur: () => void
}

export function useFault(pointer: string): FieldFault {
  const { all, onTouch } = useContext(FaultsContext)
  return { fault: all.find(each => each.pointer === pointer)?.detail, onBlur: () => onTouch(pointer) }
}

/** What the scheduler refused, at its places; without any the refusal itself. */
export function faultsOf(error: unknown): readonly ValueFault[] {
  const details: readonly ProblemDetail[] = error instanceof ApiError ? (error.problem?.errors ?? []) : []
  if (details.length > 0) return details
  return [{ pointer: '', detail: error instanceof Error ? error.message : String(error) }]
}

export function faultText({ pointer, detail }: ValueFault): string {
  return pointer === '' ? detail : `${pointer}: ${detail}`
}

/** What says to a field that it is wrong, and where the words are. */
export function invalidBy(id: string, fault: string | undefined) {
  return fault === undefined ? {} : { 'aria-invalid': true, 'aria-describedby': `${id}-fault` }
}
