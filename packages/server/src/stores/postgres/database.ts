import { isIP } from 'node:net'
import pg from 'pg'

/** The only file of the store that knows the driver. */

export type SqlValue = string | number | boolean | null
/** Values in the order of the statement's columns. */
export type SqlRow = readonly SqlValue[]
export type SqlParameter = SqlValue | readonly (string | number | null)[]

/** A statement of constant text. The name is its prepared statement's, one for each text. */
export interface Statement {
  readonly name: string
  readonly text: string
}

/** One connection, while it is ours. Statements are sent at once, in the order of the calls, without waiting for answers. */
export interface Connection {
  rows(statement: Statement, ...values: readonly SqlParameter[]): Promise<readonly SqlRow[]>
  /** How many rows the statement changed. */
  run(statement: Statement, ...values: readonly SqlParameter[]): Promise<number>
  /** Plain text without parameters; may hold several statements. */
  exec(text: string): Promise<void>
  /** Once everything that was sent so far has been answered, well or badly. */
  answered(): Promise<void>
  /** What went wrong first, however many statements behind it only said that something had; null where nothing did. */
  fault(): unknown
  /** Makes all plans anew where the tables have grown much since they were made. @param pages of the tables together */
  noteSize(pages: number): void
  /** Gives it back to the pool, or closes it where something went wrong on it. */
  release(isBroken: boolean): void
}

export interface Database {
  connect(): Promise<Connection>
  /** What a transaction begins with. */
  readonly begin: string
  close(): Promise<void>
}

export interface DatabaseOptions {
  readonly url: string
  /** Connections at most. */
  readonly connections: number
  /** Waiting for a connection, or for one answer: past it the database counts as away. */
  readonly timeoutMs: number
  /** Waiting for a connection alone; as long as for an answer unless said. */
  readonly connectTimeoutMs?: number
  /** Told when a connection broke while nobody used it. */
  readonly onIdleError?: (error: Error) => void
}

/**
 * How our statements are planned: by their indexes, row by row, whatever the statistics say. Tables grow from nothing
 * to millions of rows faster than they are analysed, and one plan made at the wrong moment scans a table at every call.
 */
export const planning = [
  'enable_seqscan = off',
  'enable_hashjoin = off',
  'enable_mergejoin = off',
  'jit = off',
  'plan_cache_mode = force_generic_plan',
]

/**
 * A plan is kept by its session, and says what was best when it was made: in a table of two rows, to go over both of them
 * for each row of a list. Past so many times the size it was made for it is made anew, which takes some milliseconds.
 */
const growthMax = 2

/**
 * A node that went silent in the middle of a transaction must not hold its rows until the network notices, which takes
 * hours; and what we have given up waiting for, the server is to give up a little earlier, and say so.
 */
function patience(timeoutMs: number): readonly string[] {
  return [
    `idle_in_transaction_session_timeout = ${Math.ceil(timeoutMs / 2)}`,
    `statement_timeout = ${Math.ceil(timeoutMs * 0.9)}`,
  ]
}

/**
 * Each statement sees what was committed before it, whatever the server's default is: with a stricter level nodes at one
 * row would make each other fail.
 */
const begin = 'BEGIN ISOLATION LEVEL READ COMMITTED'

/**
 * Opens a pool; connects at the first use. In the URL, `pgbouncer=true` tells that a pooler in transaction mode stands
 * between: then nothing is prepared and nothing is set beyond a transaction.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const url = new URL(options.url)
  const isPooled = url.searchParams.get('pgbouncer') === 'true'
  url.searchParams.delete('pgbouncer')
  const pool = new pg.Pool({
    connectionString: url.href,
    max: options.connections,
    connectionTimeoutMillis: options.connectTimeoutMs ?? options.timeoutMs,
    query_timeout: options.timeoutMs,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    application_name: 'tasklane',
    types: { getTypeParser },
    // Statements are sent without waiting for the answers to those before; the driver's types do not know the option yet.
    ...{ pipeline: true },
  })
  pool.on('error', error => options.onIdleError?.(error))
  const settings = [...planning, ...patience(options.timeoutMs)]
  pool.on('connect', client => {
    // A connection that breaks between two statements rejects the next one; without a listener it would end the process.
    client.on('error', () => {})
    if (!isPooled) client.query(settings.map(each => `SET ${each}`).join('; ')).catch(() => {})
  })
  return Object.freeze({
    begin: isPooled ? [begin, ...settings.map(each => `SET LOCAL ${each}`)].join('; ') : begin,
    connect: async () => toConnection(await pool.connect(), isPooled),
    close: () => pool.end(),
  })
}

/** Of each session, the size of the tables for which it was planned. */
const planned = new WeakMap<pg.PoolClient, number>()

function toConnection(client: pg.PoolClient, isPooled: boolean): Connection {
  const together = sendTogether(client)
  let last: Promise<unknown> = Promise.resolve()
  let fault: unknown = null
  const query = (statement: Statement, values: readonly SqlParameter[]): Promise<pg.QueryArrayResult<SqlValue[]>> => {
    together()
    const answer = client.query<SqlValue[], SqlParameter[]>({
      ...(isPooled ? {} : { name: statement.name }),
      text: statement.text,
      values: [...values],
      rowMode: 'array',
    })
    last = answer.catch((error: unknown) => {
      fault ??= error
    })
    return answer
  }
  return {
    rows: async (statement, ...values) => (await query(statement, values)).rows,
    run: async (statement, ...values) => (await query(statement, values)).rowCount ?? 0,
    answered: async () => {
      await last
    },
    fault: () => fault,
    exec: async text => {
      together()
      await client.query(text)
    },
    noteSize: pages => {
      const plannedFor = planned.get(client)
      if (isPooled || (plannedFor !== undefined && pages <= growthMax * plannedFor)) return
      planned.set(client, pages)
      // Whatever is wrong with the connection, the statements around this one tell.
      if (plannedFor !== undefined) client.query('DISCARD PLANS').catch(() => {})
    },
    release: isBroken => client.release(isBroken),
  }
}

/**
 * Statements of one turn of the event loop leave in one packet: the server is woken once for all of them, not once for
 * each. The answers are the same, in the same order.
 */
function sendTogether(client: pg.PoolClient): () => void {
  let isHeld = false
  return () => {
    if (isHeld) return
    isHeld = true
    const { stream } = client.connection
    stream.cork()
    // After the promises that are settled by now have been gone on with: they may have more to send.
    queueMicrotask(() =>
      process.nextTick(() => {
        isHeld = false
        stream.uncork()
      }),
    )
  }
}

const oids = Object.freeze({ bool: 16, int8: 20, int4: 23, float8: 701 })

/** Our numbers are milliseconds and counts: all within what a double holds exactly. */
function getTypeParser(oid: number): (text: string) => SqlValue {
  switch (oid) {
    case oids.bool:
      return text => text === 't'
    case oids.int8:
    case oids.int4:
    case oids.float8:
      return Number
    default:
      return text => text
  }
}

// ─── What went wrong ─────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * `again`: another transaction was in the way, and this one may simply be run again. The others are the world's fault,
 * each with the sentence that an operator needs.
 */
export type PostgresFault =
  | 'again'
  | 'away'
  | 'too_many_connections'
  | 'full'
  | 'read_only'
  | 'refused'
  | 'no_database'
  | 'busy'
  | 'damaged'

const faultsByCode: Readonly<Record<string, PostgresFault>> = Object.freeze({
  '40001': 'again',
  '40P01': 'again',
  // Two transactions wrote what only one may write, and neither could see the other.
  '23505': 'again',
  '55P03': 'busy',
  '57014': 'busy',
  '53300': 'too_many_connections',
  '53100': 'full',
  '53200': 'full',
  '53400': 'full',
  '25006': 'read_only',
  // Ours, of a node that was paused in the middle of a transaction.
  '25P03': 'away',
  '28000': 'refused',
  '28P01': 'refused',
  '3D000': 'no_database',
  '42501': 'refused',
  '57P01': 'away',
  '57P02': 'away',
  '57P03': 'away',
  '57P05': 'away',
  '08000': 'away',
  '08001': 'away',
  '08003': 'away',
  '08004': 'away',
  '08006': 'away',
  XX001: 'damaged',
  XX002: 'damaged',
  '58030': 'damaged',
})

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
])

/** What the driver says in words only. */
const awayWords =
  /connection terminated|timeout|not queryable|connection error|client was closed|the database system is/i

/** Thrown where a look that was right has become wrong meanwhile: the transaction is run again. */
export class RunAgain extends Error {}

/** Thrown where the server was lost between a COMMIT and its answer. The cause is what was met. */
export class OutcomeUnknown extends Error {}

/** What went wrong in the world, or null where the error is a fault of our own. */
export function faultOf(error: unknown): PostgresFault | null {
  if (!(error instanceof Error)) return null
  if (error instanceof RunAgain) return 'again'
  if (error instanceof OutcomeUnknown) return 'away'
  if (error instanceof AggregateError && error.errors.length > 0) return faultOf(error.errors[0])
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null
  if (code !== null && networkCodes.has(code)) return 'away'
  if (code !== null) return faultsByCode[code] ?? (code.startsWith('53') ? 'full' : null)
  return awayWords.test(error.message) ? 'away' : null
}

/** Whether it only says that an earlier statement of the transaction has failed. */
export function isConsequence(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '25P02'
}

/** Whether the connection on which it was met is of no use any more. A server that only reads may not be the right one. */
export function isOver(error: unknown): boolean {
  const fault = faultOf(error)
  return fault === 'away' || fault === 'read_only'
}

/** Where the database is, without the password: for logs and messages. */
export function placeOf(url: string): string {
  const { hostname, port, pathname } = new URL(url)
  const host = isIP(hostname) === 6 ? `[${hostname}]` : hostname
  return `${host === '' ? 'localhost' : host}${port === '' ? '' : `:${port}`}${pathname}`
}
