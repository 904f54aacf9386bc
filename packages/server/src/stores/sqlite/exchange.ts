import type { ExchangeBatch, ExchangeOutcome } from '../../ports/store.ts'
import { takeBeat } from './beats.ts'
import { claim } from './claim.ts'
import { type Session, toChanges } from './session.ts'
import { settleMany } from './settle-many.ts'
import { submitMany } from './submit.ts'

/** Everything that arrived while the last commit ran, in one transaction: settles, submits, beats, claims. */
export function exchange(session: Session, batch: ExchangeBatch): ExchangeOutcome {
  return session.transact(tx => ({
    settles: settleMany(tx, batch.settles),
    submits: submitMany(tx, batch.submits),
    beats: batch.beats.map(beat => takeBeat(tx, beat)),
    claims: batch.claims.map(ask => claim(tx, ask)),
    changes: toChanges(tx),
  }))
}
