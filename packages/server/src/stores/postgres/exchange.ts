import type { ExchangeBatch, ExchangeOutcome } from '../../ports/store.ts'
import { takeBeats } from './beats.ts'
import { claimMany } from './claim.ts'
import { readFacts } from './claim-facts.ts'
import { handOver } from './hand-over.ts'
import { ensureLanes } from './lanes.ts'
import { type Session, toChanges } from './session.ts'
import { completeTogether, settleMany } from './settle-many.ts'
import { submitAhead, submitMany } from './submit.ts'

/** Everything that arrived while the last commit ran, in one transaction: settles, submits, beats, claims. */
export async function exchange(session: Session, batch: ExchangeBatch): Promise<ExchangeOutcome> {
  const drafts = batch.submits.flatMap(group => group.drafts)
  // A beat stands between submits and claims and may extend all that its worker holds: then each takes its own way.
  const mayHandOver = batch.beats.length === 0 && batch.submits.length > 0 && batch.claims.length > 0
  return session.transactFrom(
    async () => {
      const { lanes: known } = session.known
      if (drafts.every(draft => known.find(draft.queue, draft.type) !== undefined)) return
      await session.read(({ connection, lanes }) => ensureLanes(connection, lanes, drafts))
    },
    async (ground, nowMs) => {
      const [completions, written, facts] = await Promise.all([
        completeTogether(ground.connection, nowMs, batch.settles),
        mayHandOver ? null : submitAhead(ground, nowMs, batch.submits),
        readFacts(ground, batch.claims, mayHandOver),
      ])
      return { completions, written, facts }
    },
    async (tx, { completions, written, facts }) => {
      const settles = await settleMany(tx, batch.settles, completions)
      // What was released here is claimed here, most often, and written once.
      const mayClaimReleased = batch.submits.length === 0 && batch.claims.length > 0
      tx.checked(mayClaimReleased ? tx.hand.flushButChildren(tx.connection) : tx.hand.flush(tx.connection))
      const handedOver = mayHandOver ? await handOver(tx, batch.submits, batch.claims, facts) : null
      const submits = handedOver?.submits ?? (await submitMany(tx, batch.submits, written))
      const beats = await takeBeats(tx, batch.beats)
      const claims = handedOver?.claims ?? (await claimMany(tx, batch.claims, facts))
      return { settles, submits, beats, claims, changes: toChanges(tx) }
    },
  )
}
