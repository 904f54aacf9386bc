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
    // A beat stands between submits and claims and may extend all that its worker holds: then each takes its own way.
    const handedOver = batch.beats.length === 0 ? handOver(tx, batch.submits, batch.claims) : null
    const submits = handedOver?.submits ?? submitMany(tx, batch.submits)
    const beats = batch.beats.map(beat => takeBeat(tx, beat))
    const claims = handedOver?.claims ?? batch.claims.map(ask => claim(tx, ask))
    return { settles, submits, beats, claims, changes: toChanges(tx) }
  })
}
