import type { ProblemCode } from '@tasklane/protocol'
import type { Access, Principal } from '../core/access.ts'
import type { Credential } from './auth/authenticate.ts'
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
    /** How the caller showed it; null where nobody asked or said. */
    credential: Credential | null
    /** What a handler knows better than the route: the name of what it made, or which of two things it did. */
    audited: { readonly action?: string; readonly subject?: string | null; readonly reason?: string | null } | null
    /** The code of the problem that answered; null where none did. */
    refusal: ProblemCode | null
    /** Sentences by index in the list that the route tolerates faults in; null where there are none. */
    bodyFaults: ReadonlyMap<number, string> | null
  }

  interface FastifyContextConfig {
    /** Who may; taken from `describeCall`, or said by routes that are not described. */
    readonly access?: Access
    /** Under which name the audit log has it; taken from `describeCall`. */
    readonly audit?: string
    readonly tolerates?: BodyTolerance
    readonly servesWhileStopping?: boolean
    /** Waits on purpose: never counted as slow. */
    readonly isLongPoll?: boolean
  }
}
