import type { TaskFilter } from '../ports/store.ts'

/** The filter that holds nothing back. */
export const everyTask: TaskFilter = Object.freeze({
  states: null,
  types: null,
  queues: null,
  workerId: null,
  submittedBy: null,
  label: null,
  text: null,
  fingerprint: null,
  createdFromMs: null,
  createdBeforeMs: null,
  priorityMin: null,
  priorityMax: null,
})
