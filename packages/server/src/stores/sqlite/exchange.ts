import type { ExchangeBatch, ExchangeOutcome } from '../../ports/store.ts'
import { takeBeat } from './beats.ts'
import { claim } from './claim.ts'
import { type Session, toChanges } from './session.ts'
import { settle } from './settle.ts'
import { submit } from './submit.ts'

/** Everything that arrived while the last commit ran, in one transaction: settles, submits, beats, claims. */
export function exchange(session: Session, batch: ExchangeBatch): ExchangeOutcome {
  return session.transact(tx => ({
    settles: batch.settles.map(settlement => settle(tx, settlement)),
    submits: batch.submits.map(group => submit(tx, group)),
    beats: batch.beats.map(beat => takeBeat(tx, beat)),
    claims: batch.claims.map(ask => claim(tx, ask)),
    changes: toChanges(tx),
  }))
}
