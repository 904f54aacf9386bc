import { assert } from '../../core/assert.ts'
import type { SubmitGroup, SubmitReceipt, SubmitVerdict } from '../../ports/store.ts'
import { insert, insertMany, type Placed, place, plain, undo } from './insert.ts'
import { conflict, existingReceipt, findExisting, receiptOf } from './repeats.ts'
import type { Transaction } from './session.ts'
import { submitGraph } from './submit-graph.ts'

/**
 * The groups of one exchange, each all or nothing. Refusals are verdicts: what the group had written is undone, the
 * transaction goes on. Groups without edges that stand together are tried together.
 */
export function submitMany(tx: Transaction, groups: readonly SubmitGroup[]): readonly SubmitVerdict[] {
  const verdicts: SubmitVerdict[] = []
  let plainGroups: SubmitGroup[] = []
  for (const group of groups) {
    if (isPlain(group)) {
      plainGroups.push(group)
      continue
    }
    verdicts.push(...submitPlainGroups(tx, plainGroups), submitGraph(tx, group))
    plainGroups = []
  }
  verdicts.push(...submitPlainGroups(tx, plainGroups))
  return verdicts
}

/** Below this one statement for many saves nothing. */
const manyMin = 4

/**
 * Nearly always all ids and keys are new; then the groups are written together. Where one is not, nothing of it stays
 * and each group finds out for itself.
 */
function submitPlainGroups(tx: Transaction, groups: readonly SubmitGroup[]): readonly SubmitVerdict[] {
  const [only] = groups
  const drafts = groups.length === 1 && only !== undefined ? only.drafts : groups.flatMap(group => group.drafts)
  if (drafts.length < manyMin) return groups.map(group => submitPlain(tx, group))
  const firstNumber = tx.session.nextNumber
  const lanesMark = tx.lanes.mark()
  const places = drafts.map((draft, at) => place(tx, draft, firstNumber + at))
  const rows = drafts.map((draft, at) => ({ draft, placed: placeAt(places, at), parentage: plain, lease: null }))
  if (!insertMany(tx, rows)) {
    undo(tx, firstNumber)
    tx.lanes.undo(lanesMark)
    return groups.map(group => submitPlain(tx, group))
  }
  for (const placed of places) tx.counters.add(placed.lane, placed.state, 1)
  return acceptedVerdicts(tx, groups, places)
}

/** The receipts of groups of which every draft is new, cut from the list of all their places. */
export function acceptedVerdicts(
  tx: Transaction,
  groups: readonly SubmitGroup[],
  places: readonly Placed[],
): readonly SubmitVerdict[] {
  let next = 0
  return groups.map(group => {
    const receipts = group.drafts.map(draft => {
      const placed = placeAt(places, next)
      next += 1
      return receiptOf(tx, draft, placed, placed.state)
    })
    return { kind: 'accepted', receipts }
  })
}

export function placeAt(places: readonly Placed[], at: number): Placed {
  const placed = places[at]
  assert(placed !== undefined, 'every draft has its place')
  return placed
}

export function isPlain(group: SubmitGroup): boolean {
  return group.drafts.every(draft => draft.dependencies.length === 0)
}

/** Inserts first and asks only where the insert met an id or a key that exists. */
function submitPlain(tx: Transaction, group: SubmitGroup): SubmitVerdict {
  const firstNumber = tx.session.nextNumber
  const lanesMark = tx.lanes.mark()
  const receipts: SubmitReceipt[] = []
  const created: Placed[] = []
  for (const [index, draft] of group.drafts.entries()) {
    const placed = place(tx, draft, tx.session.nextNumber)
    if (insert(tx, draft, placed, plain)) {
      created.push(placed)
      receipts.push(receiptOf(tx, draft, placed, placed.state))
      continue
    }
    const found = findExisting(tx, draft, firstNumber)
    assert(found !== null, 'an insert is refused only by an id or a key that exists')
    if (found.kind === 'refused') {
      undo(tx, firstNumber)
      tx.lanes.undo(lanesMark)
      return conflict(draft, found.by, index)
    }
    receipts.push(existingReceipt(tx, found.number))
  }
  for (const placed of created) tx.counters.add(placed.lane, placed.state, 1)
  return { kind: 'accepted', receipts }
}
