import type { ExchangeBatch, ExchangeOutcome } from '../../ports/store.ts'
import { takeBeats } from './beats.ts'
import { claimMany } from './claim.ts'
import { ensureLanes } from './lanes.ts'
import { type Session, toChanges } from './session.ts'
import { settleMany } from './settle-many.ts'
import { submitMany } from './submit.ts'

/** Everything that arrived while the last commit ran, in one transaction: settles, submits, beats, claims. */
export async function exchange(session: Session, batch: ExchangeBatch): Promise<ExchangeOutcome> {
  const drafts = batch.submits.flatMap(group => group.drafts)
  if (drafts.some(draft => session.lanes.find(draft.queue, draft.type) === undefined)) {
    await session.read(({ connection, lanes }) => ensureLanes(connection, lanes, drafts))
  }
  return session.transact(async tx => {
    const settles = await settleMany(tx, batch.settles)
    const submits = await submitMany(tx, batch.submits)
    const beats = await takeBeats(tx, batch.beats)
    const claims = await claimMany(tx, batch.claims)
    return { settles, submits, beats, claims, changes: toChanges(tx) }
  })
}
