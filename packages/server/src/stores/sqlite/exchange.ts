import type { ExchangeBatch, ExchangeOutcome } from '../../ports/store.ts'
import { takeBeat } from './beats.ts'
import { claim } from './claim.ts'
import { handOver } from './hand-over.ts'
import { type Session, toChanges } from './session.ts'
import { settleMany } from './settle-many.ts'
import { submitMany } from './submit.ts'

/** Everything that arrived while the last commit ran, in one transaction: settles, submits, beats, claims. */
export function exchange(session: Session, batch: ExchangeBatch): ExchangeOutcome {
  return session.transact(tx => {
    const settles = settleMany(tx, batch.settles)
    // A beat tells nothing of tasks that are only now submitted: beats may as well come before.
    const beats = batch.beats.map(beat => takeBeat(tx, beat))
    const { submits, claims } = handOver(tx, batch.submits, batch.claims) ?? {
      submits: submitMany(tx, batch.submits),
      claims: batch.claims.map(ask => claim(tx, ask)),
    }
    return { settles, submits, beats, claims, changes: toChanges(tx) }
  })
}
