import { findGraphFault, type GraphFault, parentsFirst } from '../core/graph.ts'
import { Problem } from '../core/problem.ts'
import { acceptedRecord, type TaskDraft } from '../core/task.ts'
import type { SubmitReceipt, SubmitVerdict } from '../ports/store.ts'
import type { Committer } from './committer.ts'
import type { SubmitRefusal, Submitted } from './engine.ts'

/** All or nothing. Throws the refusal; resolves when durable. */
export async function submitTogether(
  committer: Committer,
  drafts: readonly TaskDraft[],
): Promise<readonly Submitted[]> {
  const fault = findGraphFault(drafts)
  if (fault !== null) throw graphProblem(fault, drafts.length > 1)
  const [verdict] = await committer.submit([{ drafts }])
  if (verdict === undefined || verdict.kind === 'refused') throw refusalProblem(verdict, drafts.length > 1)
  return drafts.map((draft, at) => submitted(draft, verdict.receipts[at]))
}

/**
 * Each draft stands alone; nothing one of them does undoes another. They are submitted parents first, in whatever order
 * they were listed, so that a child of the same batch finds its parent; one whose parent was refused is refused itself.
 */
export async function submitEach(
  committer: Committer,
  drafts: readonly TaskDraft[],
): Promise<readonly (Submitted | SubmitRefusal)[]> {
  const { order, cyclic, path } = parentsFirst(drafts)
  const outcomes = new Map<number, Submitted | SubmitRefusal>()
  const sound: { readonly index: number; readonly draft: TaskDraft }[] = []
  for (const index of order) {
    const draft = drafts[index]
    if (draft === undefined) continue
    const fault = draft.dependencies.length === 0 ? null : findGraphFault([draft])
    if (fault === null) sound.push({ index, draft })
    else outcomes.set(index, refusal(graphProblem(fault, false)))
  }
  for (const index of cyclic) outcomes.set(index, refusal(graphProblem({ kind: 'cycle', path }, false)))
  const groups = sound.map(({ draft }) => ({ drafts: [draft] }))
  const verdicts = groups.length === 0 ? [] : await committer.submit(groups)
  for (const [at, { index, draft }] of sound.entries()) {
    const verdict = verdicts[at]
    const isAccepted = verdict !== undefined && verdict.kind === 'accepted'
    outcomes.set(index, isAccepted ? submitted(draft, verdict.receipts[0]) : refusal(refusalProblem(verdict, false)))
  }
  return drafts.map((_, index) => outcomes.get(index) ?? missingOutcome())
}

function missingOutcome(): never {
  throw new Error('Assertion failed: every draft is submitted or refused')
}

function submitted(draft: TaskDraft, receipt: SubmitReceipt | undefined): Submitted {
  if (receipt === undefined) throw new Error('Assertion failed: an accepted group has a receipt for every draft')
  if (receipt.existing !== null) return { outcome: 'existing', record: receipt.existing }
  return { outcome: 'created', record: acceptedRecord(draft, receipt) }
}

function refusal(problem: Problem): SubmitRefusal {
  return { outcome: 'refused', code: problem.code, detail: problem.message }
}

function refusalProblem(verdict: SubmitVerdict | undefined, isBatch: boolean): Problem {
  if (verdict?.kind !== 'refused') throw new Error('Assertion failed: a group is accepted or refused')
  const errors = isBatch ? [{ pointer: `/tasks/${verdict.index}`, detail: verdict.detail }] : []
  return new Problem(verdict.code, verdict.detail, errors)
}

/** A cycle of thousands is named by its first and last members. */
const cycleNamesMax = 12

function graphProblem(fault: GraphFault, isBatch: boolean): Problem {
  switch (fault.kind) {
    case 'self':
      return new Problem(
        'dependency_self',
        `Task '${fault.id}' depends on itself; leave its own id out of \`dependencies\`.`,
        isBatch ? [{ pointer: `/tasks/${fault.index}/dependencies`, detail: 'It holds the task’s own id.' }] : [],
      )
    case 'duplicate_id':
      return new Problem(
        'task_conflict',
        `The id '${fault.id}' stands twice in the batch; each task needs an id of its own.`,
        [{ pointer: `/tasks/${fault.index}/task_id`, detail: 'An earlier task of the batch has this id.' }],
      )
    case 'cycle': {
      const { path } = fault
      const shown =
        path.length <= cycleNamesMax
          ? path
          : [
              ...path.slice(0, cycleNamesMax / 2),
              `… ${path.length - cycleNamesMax} more …`,
              ...path.slice(-cycleNamesMax / 2),
            ]
      return new Problem('dependency_cycle', `The dependencies form a cycle: ${shown.join(' → ')}.`)
    }
  }
}
