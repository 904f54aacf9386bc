import { limits, type ProblemDetail, type TaskFilterQuery, type TaskState, taskStates } from '@tasklane/protocol'
import { workerId } from '../core/task.ts'
import type { TaskFilter } from '../ports/store.ts'
import { parseInstant } from './instant.ts'
import { validationProblem } from './schema-check.ts'
import { shown } from './schema-sentences.ts'

/** The filter that a query, or `filter` of a bulk call, describes; lists are comma separated. Throws `validation_failed`. */
export function readTaskFilter(query: TaskFilterQuery, pointer = ''): TaskFilter {
  const errors: ProblemDetail[] = []
  const refuse = (field: string, detail: string) => void errors.push({ pointer: `${pointer}${field}`, detail })
  const filter: TaskFilter = {
    states: readStates(query.status, refuse),
    types: readNames('task_type', query.task_type, refuse),
    queues: readNames('queue', query.queue, refuse),
    workerId: query.worker_id === undefined ? null : workerId(query.worker_id),
    submittedBy: null,
    label: readLabel(query.label, refuse),
    text: query.q === undefined || query.q === '' ? null : query.q,
    fingerprint: query.fingerprint ?? null,
    createdFromMs: readInstant('created_after', query.created_after, refuse),
    createdBeforeMs: readInstant('created_before', query.created_before, refuse),
    priorityMin: query.priority_min ?? null,
    priorityMax: query.priority_max ?? null,
  }
  if (errors.length > 0) throw validationProblem(errors)
  return filter
}

type Refuse = (field: string, detail: string) => void

function readStates(list: string | undefined, refuse: Refuse): readonly TaskState[] | null {
  if (list === undefined) return null
  const states: TaskState[] = []
  for (const word of list.split(',')) {
    const state = taskStates.find(known => known === word.trim())
    if (state === undefined) {
      refuse('status', `Status ${shown(word)} is unknown; known are ${taskStates.join(', ')}.`)
      return null
    }
    states.push(state)
  }
  return [...new Set(states)]
}

function readNames(field: string, list: string | undefined, refuse: Refuse): readonly string[] | null {
  if (list === undefined) return null
  const names = [...new Set(list.split(',').map(name => name.trim()))]
  if (names.some(name => name === '' || name.length > limits.nameCharsMax)) {
    refuse(
      field,
      `The list '${field}' has an empty or overlong entry; separate names of up to ${limits.nameCharsMax} characters by commas.`,
    )
    return null
  }
  return names
}

function readInstant(field: string, text: string | undefined, refuse: Refuse): number | null {
  if (text === undefined) return null
  const instant = parseInstant(text)
  if (instant === null)
    refuse(field, `Time ${shown(text)} is not in RFC 3339 with a zone; send one such as 2026-01-31T12:00:00Z.`)
  return instant
}

function readLabel(label: string | undefined, refuse: Refuse): TaskFilter['label'] {
  if (label === undefined) return null
  const at = label.indexOf(':')
  const key = at === -1 ? label : label.slice(0, at)
  if (key === '') {
    refuse('label', `Label ${shown(label)} has no key; send key:value, or key alone for any value.`)
    return null
  }
  return { key, value: at === -1 ? null : label.slice(at + 1) }
}
