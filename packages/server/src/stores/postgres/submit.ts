import { assert } from '../../core/assert.ts'
import type { SubmitGroup, SubmitReceipt, SubmitVerdict } from '../../ports/store.ts'
import { insertMany, insertPlain, isPlain, type NewRow, type Numbers, place, undo, welcome } from './insert.ts'
import type { Ground, Transaction } from './session.ts'
import { submitGroup } from './submit-graph.ts'

/**
 * The groups of one exchange, each all or nothing. Refusals are verdicts: what the group had written is undone, the
 * transaction goes on. Groups without edges that stand together are written together.
 */
export async function submitMany(
  tx: Transaction,
  groups: readonly SubmitGroup[],
  written: Numbers | null,
): Promise<readonly SubmitVerdict[]> {
  if (written !== null) return told(tx, groups, written)
  const verdicts: SubmitVerdict[] = []
  let plain: SubmitGroup[] = []
  const submitPlain = async (): Promise<void> => {
    if (plain.length > 0) verdicts.push(...(await submitTogether(tx, plain)))
    plain = []
  }
  for (const group of groups) {
    if (isFree(group)) plain.push(group)
    else {
      await submitPlain()
      verdicts.push(await submitGroup(tx, group))
    }
  }
  await submitPlain()
  // Members that fell at once may have released others of their group, and the claims of this exchange ask the table.
  tx.checked(tx.hand.flush(tx.connection))
  return verdicts
}

/** All groups, where they may be written before the time is known: null where one says more than the usual. */
export async function submitAhead(
  ground: Ground,
  nowMs: number | null,
  groups: readonly SubmitGroup[],
): Promise<Numbers | null> {
  const drafts = groups.flatMap(group => group.drafts)
  if (drafts.length === 0 || !drafts.every(isPlain)) return null
  return insertPlain(
    ground,
    nowMs,
    drafts.map(draft => ({ draft, lease: null })),
  )
}

async function submitTogether(tx: Transaction, groups: readonly SubmitGroup[]): Promise<readonly SubmitVerdict[]> {
  return told(tx, groups, await insertMany(tx, rowsOf(tx, groups)))
}

function rowsOf(tx: Transaction, groups: readonly SubmitGroup[]): readonly NewRow[] {
  return groups
    .flatMap(group => group.drafts)
    .map(draft => ({ draft, placed: place(tx, draft), waitingCount: 0, hasDependents: false, lease: null }))
}

/**
 * Nearly always all ids and keys were new. Where one was not, nothing of it stays and each group finds out for itself.
 */
async function told(
  tx: Transaction,
  groups: readonly SubmitGroup[],
  numbers: Numbers,
): Promise<readonly SubmitVerdict[]> {
  const rows = rowsOf(tx, groups)
  if (numbers.size === rows.length) {
    welcome(tx, rows)
    return acceptedVerdicts(tx, groups, rows, numbers)
  }
  await undo(tx, [...numbers.values()])
  const verdicts: SubmitVerdict[] = []
  for (const group of groups) verdicts.push(await submitGroup(tx, group))
  return verdicts
}

/** No task of the group waits for another. */
export function isFree(group: SubmitGroup): boolean {
  return group.drafts.every(draft => draft.dependencies.length === 0)
}

/** The receipts of groups of which every draft is new, cut from the list of all their rows. */
export function acceptedVerdicts(
  tx: Transaction,
  groups: readonly SubmitGroup[],
  rows: readonly NewRow[],
  numbers: Numbers,
): readonly SubmitVerdict[] {
  let next = 0
  return groups.map(group => {
    const receipts = group.drafts.map(() => {
      const row = rows[next]
      next += 1
      assert(row !== undefined, 'every draft has its row')
      return receiptOf(tx, row, numbers)
    })
    return { kind: 'accepted', receipts }
  })
}

function receiptOf(tx: Transaction, { draft, placed }: NewRow, numbers: Numbers): SubmitReceipt {
  const own = numbers.get(draft.id)
  assert(own !== undefined, 'every row was written')
  const { state, runAtMs } = placed
  return { taskId: draft.id, number: own, state, createdAtMs: tx.nowMs, runAtMs, error: null, existing: null }
}
