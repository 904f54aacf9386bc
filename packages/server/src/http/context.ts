import type { FastifyRequest } from 'fastify'
import type { Engine } from '../engine/engine.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { AccessControl } from './auth/access-control.ts'

/** What a node tells of itself to who runs it. */
export interface Whereabouts {
  /** Such as `production`; null where it was given no name. */
  readonly environment: string | null
  /** Where the trace of a task is looked at, with `{trace_id}` in it; null where it was told of no such place. */
  readonly traceUrl: string | null
  readonly store: { readonly kind: 'memory' | 'sqlite' | 'postgres'; readonly place: string | null }
  /** Nodes that share the store; null where that cannot be told. */
  readonly countNodes: () => Promise<number | null>
}

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
  readonly access: AccessControl
  readonly clock: Clock
  readonly log: Log
  readonly version: string
  readonly settings: HttpSettings
  readonly whereabouts: Whereabouts
  readonly isStopping: () => boolean
  readonly uptimeSeconds: () => number
}
