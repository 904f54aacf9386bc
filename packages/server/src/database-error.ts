import { faultOf, type PostgresFault, placeOf } from './stores/postgres/database.ts'
import { isForbidden, SchemaError } from './stores/postgres/migrate.ts'

/** PostgreSQL does not do what a command of an operator asks. The message says what to look at. */
export class DatabaseError extends Error {
  /** `unreachable`: try again later. `not_allowed`: the user, the password or the rights. `failed`: something else. */
  readonly kind: 'unreachable' | 'not_allowed' | 'failed'

  constructor(kind: DatabaseError['kind'], message: string, cause: unknown) {
    super(message, { cause })
    this.name = 'DatabaseError'
    this.kind = kind
  }
}

/** The error as an operator can use it; a fault of our own stays what it is. */
export function explainDatabaseFault(error: unknown, url: string): unknown {
  if (error instanceof SchemaError && isForbidden(error.cause)) {
    const otherwise = 'Or let somebody who may run what `tasklane migrate plan` prints.'
    return new DatabaseError('not_allowed', `${error.message} ${otherwise}`, error)
  }
  if (error instanceof SchemaError || error instanceof DatabaseError) return error
  const place = placeOf(url)
  const said = saidBy(error)
  // The driver's own sentence, before it has asked the server for anything.
  if (said.startsWith('SASL:')) {
    return new DatabaseError(
      'not_allowed',
      `The server at ${place} asks for a password. Put it into the address, postgresql://USER:PASSWORD@…, or into PGPASSWORD.`,
      error,
    )
  }
  const fault = faultOf(error)
  if (fault === null) return error
  const code = error instanceof Error && 'code' in error ? error.code : null
  const user = decodeURIComponent(new URL(url).username)
  switch (code) {
    case '28P01':
      return new DatabaseError(
        'not_allowed',
        `The server at ${place} refuses the password of the user '${user}'. Check the address, and percent-encode special ` +
          'characters of the password.',
        error,
      )
    case '28000':
      return new DatabaseError(
        'not_allowed',
        `The server at ${place} lets '${user}' not in: ${said}. Check the user's name, and pg_hba.conf on the server.`,
        error,
      )
    case '42501':
      return new DatabaseError(
        'not_allowed',
        `The user '${user}' may not do that at ${place}: ${said}. Grant it CREATE on the database, or let an owner run ` +
          'what `tasklane migrate plan` prints.',
        error,
      )
    default:
      return new DatabaseError(fault === 'away' ? 'unreachable' : 'failed', sentenceOf(fault, place, said), error)
  }
}

function sentenceOf(fault: PostgresFault, place: string, said: string): string {
  switch (fault) {
    case 'away':
      return `The server at ${place} cannot be reached: ${said}. Check the address, and that PostgreSQL runs there.`
    case 'too_many_connections':
      return `The server at ${place} has no connection left: ${said}. Raise max_connections, or try again later.`
    case 'full':
      return `The server at ${place} has no room left: ${said}. Make room, and try again.`
    case 'read_only':
      return `The server at ${place} only reads: ${said}. It is a standby; name the primary.`
    case 'again':
    case 'busy':
      return `Others stood in the way at ${place}: ${said}. Nothing was changed; try again.`
    case 'damaged':
      return `The database at ${place} is damaged: ${said}. Stop, and restore a backup.`
    case 'refused':
      return `The server at ${place} refuses: ${said}.`
    case 'no_database':
      return `There is no such database: ${place}. Make it with \`createdb\`, or check the name in the address.`
  }
}

/** A name that leads to several addresses fails with all of their errors, and without a sentence of its own. */
function saidBy(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return saidBy(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
