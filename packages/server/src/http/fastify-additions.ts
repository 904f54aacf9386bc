import type { Principal } from '../core/access.ts'
import type { BodyTolerance } from './json-body.ts'

/** What this floor adds to Fastify's own objects. */
declare module 'fastify' {
  interface FastifyInstance {
    /** From here on only calls that finish work are served; the others get 503 `stopping`. */
    beginStop(): void
  }

  interface FastifyRequest {
    /** Who calls; known from the door on. */
    principal: Principal
    /** Sentences by index in the list that the route tolerates faults in; null where there are none. */
    bodyFaults: ReadonlyMap<number, string> | null
  }

  interface FastifyContextConfig {
    readonly tolerates?: BodyTolerance
    readonly servesWhileStopping?: boolean
    /** Waits on purpose: never counted as slow. */
    readonly isLongPoll?: boolean
  }
}
