import { Problem } from '../../core/problem.ts'
import { faultOf, OutcomeUnknown, type PostgresFault, placeOf } from './database.ts'

const sentences: Readonly<Record<PostgresFault, string>> = Object.freeze({
  again: 'other transactions were in the way again and again',
  away: 'the server cannot be reached',
  too_many_connections: 'the server has no connection left',
  full: 'the server has no room left',
  read_only: 'the server only reads',
  refused: 'the server refuses this user',
  no_database: 'there is no such database; make it with createdb, or check the name in the address',
  busy: 'the server did not answer in time',
  damaged: 'the database is damaged',
})

/** The world's faults as a problem that the caller may meet again by trying; everything else as it is. */
export function toProblem(error: unknown, url: string): unknown {
  const fault = faultOf(error)
  if (fault === null) return error
  const isUnknown = error instanceof OutcomeUnknown
  const known = isUnknown
    ? 'Whether the call took effect is not known; repeat it as it was'
    : 'Nothing was changed; try again'
  const detail = `The database at ${placeOf(url)} cannot be used: ${sentences[fault]}. ${known}.`
  return new Problem(isUnknown ? 'outcome_unknown' : 'store_unavailable', detail, [], error)
}
