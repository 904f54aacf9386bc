import type { FastifyRequest } from 'fastify'
import type { Engine } from '../engine/engine.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'

export interface HttpSettings {
  readonly metricsEnabled: boolean
  /** A client has this long to send a whole request; a minute if not said. Long polls are not cut by it: they have been received. */
  readonly requestTimeoutMs?: number
  /** Requests slower than this are told in the log at info; long polls are left out. */
  readonly slowRequestMs?: number
  readonly connectionsMax?: number
  /** What a task gets that says nothing itself. Null is no limit. */
  readonly taskTimeoutMs?: number | null
  readonly taskRetries?: number
}

/** What the HTTP floor stands on. */
export interface HttpContext {
  /** All of it; what answers a request asks `engineOf`. */
  readonly engine: Engine
  /** The engine as this caller sees it. */
  readonly engineOf: (request: FastifyRequest) => Engine
  /** Of each of these submitters the number of the user; 1, the first admin's, where nobody had to say; null for a token's. */
  readonly userNumbers: (submitters: readonly (string | null)[]) => Promise<readonly (number | null)[]>
  readonly clock: Clock
  readonly log: Log
  readonly version: string
  readonly settings: HttpSettings
  readonly isStopping: () => boolean
  readonly uptimeSeconds: () => number
}
