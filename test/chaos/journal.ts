import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Disturbance, Violation } from './model.ts'
import type { FaultKind } from './plan.ts'

/** What this run itself did and saw, for the report and for the oracle: which losses are explained by a fault. */
export interface Journal {
  /**
   * @param worker whom it disturbs; null is all
   * @param whom where it is done, if that is no worker
   * @returns what to call when the fault is over
   */
  begin(fault: FaultKind, worker: string | null, isDisturbing: boolean, whom?: string): () => void
  /** By the machine, which a busy one may be: for all. */
  stalled(fromMs: number, what: string): void
  stalls(): number
  diskWasFull(fromMs: number): void
  violated(promise: string, sentence: string, task?: string): void
  note(text: string): void
  counts(): ReadonlyMap<string, number>
  disturbances(): readonly Disturbance[]
  fullDisks(): readonly { readonly fromMs: number; readonly toMs: number }[]
  violations(): readonly Violation[]
  entries(): readonly JournalEntry[]
}

export interface JournalEntry {
  readonly at: number
  readonly text: string
}

export function createJournal(folder: string, counted: readonly string[]): Journal {
  const file = join(folder, 'journal.jsonl')
  const counts = new Map<string, number>(counted.map(name => [name, 0]))
  const disturbances: { worker: string | null; fromMs: number; toMs: number; what: string }[] = []
  const fullDisks: { fromMs: number; toMs: number }[] = []
  const violations: Violation[] = []
  const entries: JournalEntry[] = []
  let stalls = 0

  function note(text: string): void {
    const entry = { at: Date.now(), text }
    entries.push(entry)
    appendFileSync(file, `${JSON.stringify(entry)}\n`)
  }

  return Object.freeze<Journal>({
    begin: (fault, worker, isDisturbing, whom = worker ?? 'all') => {
      counts.set(fault, (counts.get(fault) ?? 0) + 1)
      note(`${fault} begins (${whom})`)
      const disturbance = { worker, fromMs: Date.now(), toMs: Number.POSITIVE_INFINITY, what: fault }
      if (isDisturbing) disturbances.push(disturbance)
      return () => {
        disturbance.toMs = Date.now()
        note(`${fault} is over (${whom})`)
      }
    },
    stalled: (fromMs, what) => {
      // Under a fault of all it is the fault's doing.
      if (!disturbances.some(each => each.worker === null && each.toMs >= fromMs)) stalls += 1
      disturbances.push({ worker: null, fromMs, toMs: Date.now(), what })
      note(what)
    },
    stalls: () => stalls,
    diskWasFull: fromMs => {
      fullDisks.push({ fromMs, toMs: Date.now() })
    },
    violated: (promise, sentence, task) => {
      violations.push({ promise, sentence, task: task ?? null })
      note(`BROKEN ${promise}: ${sentence}`)
    },
    note,
    counts: () => counts,
    disturbances: () => disturbances,
    fullDisks: () => fullDisks,
    violations: () => violations,
    entries: () => entries,
  })
}
