import type { BatchReply, Json } from '@tasklane/protocol'
import type { Body } from './code.ts'
import { findSyntaxFault } from './json-syntax.ts'
import { isSchema } from './schema.ts'

export interface ManyRead {
  readonly tasks: readonly Body[]
  /** The first of them, in words. */
  readonly faults: readonly string[]
}

export const manyMax = 10_000
const faultsMax = 10

/**
 * A list in JSON, or a value a line. An entry that names its `task_type` is a whole task; any other is the payload of one
 * of the type that was chosen. What the form says beside the payload holds for all that do not say it themselves.
 */
export function readMany(text: string, base: Body): ManyRead {
  const { idempotency_key: _oneOnly, payload: _ofOne, ...shared } = base
  const faults: string[] = []
  const entries = entriesOf(text, faults)
  if (entries.length > manyMax) faults.push(`These are ${entries.length} tasks; ${manyMax} go at once.`)
  const tasks = entries.flatMap(({ value, place }) => {
    const isWhole = isSchema(value) && typeof value.task_type === 'string'
    if (isWhole) return [{ ...shared, ...value }]
    if (shared.task_type === '') {
      if (faults.length < faultsMax) faults.push(`${place} names no task_type, and no type is chosen.`)
      return []
    }
    return [{ ...shared, payload: value }]
  })
  return { tasks, faults: faults.slice(0, faultsMax) }
}

interface Entry {
  readonly value: Json
  readonly place: string
}

function entriesOf(text: string, faults: string[]): readonly Entry[] {
  const trimmed = text.trim()
  if (trimmed === '') return []
  if (trimmed.startsWith('[')) {
    const fault = findSyntaxFault(text)
    if (fault !== null) {
      faults.push(`Line ${fault.line}, column ${fault.column}: ${fault.detail}.`)
      return []
    }
    const list: Json = JSON.parse(text)
    return Array.isArray(list) ? list.map((value: Json, index) => ({ value, place: `Entry ${index + 1}` })) : []
  }
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    const fault = findSyntaxFault(line)
    if (fault === null) return [{ value: JSON.parse(line) as Json, place: `Line ${index + 1}` }] // Any JSON.
    if (faults.length < faultsMax) faults.push(`Line ${index + 1}, column ${fault.column}: ${fault.detail}.`)
    return []
  })
}

export interface ManyOutcome {
  readonly sent: number
  readonly created: number
  readonly existing: number
  readonly refused: readonly { readonly index: number; readonly detail: string }[]
}

export const nothingSent: ManyOutcome = { sent: 0, created: 0, existing: 0, refused: [] }

/** Small enough that one sees it move, large enough that it takes no longer for it. */
const batchTasks = 250
const batchChars = 4_000_000

/** As many of the rest as go in one call. */
export function countOfBatch(tasks: readonly Body[], from: number): number {
  let chars = 0
  let count = 0
  while (count < batchTasks && from + count < tasks.length) {
    chars += JSON.stringify(tasks[from + count]).length
    if (count > 0 && chars > batchChars) break
    count += 1
  }
  return count
}

/** Sends one after another, each entry with its own outcome, and tells how far it is. */
export async function sendMany(
  tasks: readonly Body[],
  send: (batch: { readonly tasks: readonly Body[]; readonly atomic: false }) => Promise<BatchReply>,
  onProgress: (outcome: ManyOutcome) => void,
  signal: AbortSignal,
): Promise<ManyOutcome> {
  let outcome = nothingSent
  while (outcome.sent < tasks.length && !signal.aborted) {
    const from = outcome.sent
    const count = countOfBatch(tasks, from)
    const reply = await send({ tasks: tasks.slice(from, from + count), atomic: false })
    const refused = reply.tasks.flatMap((receipt, at) =>
      receipt.outcome === 'refused' ? [{ index: from + at, detail: receipt.error?.detail ?? 'refused' }] : [],
    )
    const countOf = (wanted: string) => reply.tasks.filter(receipt => receipt.outcome === wanted).length
    outcome = {
      sent: from + count,
      created: outcome.created + countOf('created'),
      existing: outcome.existing + countOf('existing'),
      refused: [...outcome.refused, ...refused],
    }
    onProgress(outcome)
  }
  return outcome
}
