import { findUnstorable, type Json, limits, type RegistrationReply, type WorkerRegistration } from '@tasklane/protocol'
import { UnexpectedReplyError } from '../errors.ts'
import type { WorkerLogger } from '../log.ts'
import { inputJsonSchema } from '../standard-schema.ts'
import type { LeaseTerms } from './lease-keeper.ts'
import type { Link } from './link.ts'
import type { WorkerSettings } from './settings.ts'

/** Makes this worker known to the scheduler, also when it has forgotten it. */
export interface Registrar {
  /** @throws ApiError refused · the signal's reason */
  register(signal: AbortSignal): Promise<LeaseTerms>
  /** The same after the scheduler forgot; one call for all who noticed. Never rejects. */
  registerAgain(signal: AbortSignal): Promise<void>
}

export function createRegistrar(
  settings: WorkerSettings,
  { link, logger, onTerms }: { link: Link; logger: WorkerLogger; onTerms: (terms: LeaseTerms) => void },
): Registrar {
  const body = JSON.stringify(describeWorker(settings, logger))
  let again: Promise<void> | null = null

  let wasRegistered = false

  async function register(signal: AbortSignal): Promise<LeaseTerms> {
    const path = '/api/workers/register'
    const call = { method: 'POST', path, body, isRepeatable: true, timeoutMs: 10_000, signal } as const
    const answer = await link.persist(call, !wasRegistered)
    wasRegistered = true
    const terms = readTerms(answer.body, settings.heartbeatMs)
    onTerms(terms)
    return terms
  }

  async function keepRegistering(signal: AbortSignal): Promise<void> {
    logger.warn({}, 'The scheduler does not know this worker any more; it registers again.')
    for (let failures = 3; !signal.aborted; failures += 1) {
      try {
        await register(signal)
        return
      } catch (error) {
        if (signal.aborted) return
        logger.error({}, `The registration was refused. ${error instanceof Error ? error.message : String(error)}`)
        await link.pause(failures, signal)
      }
    }
  }

  return Object.freeze<Registrar>({
    register,
    registerAgain: signal => {
      again ??= keepRegistering(signal).finally(() => {
        again = null
      })
      return again
    },
  })
}

function describeWorker(settings: WorkerSettings, logger: WorkerLogger): WorkerRegistration {
  const types = describeTypes(settings, logger)
  return {
    worker_id: settings.workerId,
    capabilities: settings.capabilities,
    ...(settings.queues === null ? {} : { queues: settings.queues }),
    max_concurrent_tasks: settings.slots,
    ...(settings.labels === null ? {} : { labels: settings.labels }),
    instance: settings.instance,
    ...(Object.keys(types).length === 0 ? {} : { types }),
  }
}

/** The schemas of the inputs, as far as their libraries can tell them and the scheduler can keep them. */
function describeTypes({ handlers }: WorkerSettings, logger: WorkerLogger): Readonly<Record<string, Json>> {
  const types: Record<string, Json> = {}
  let bytes = 2
  for (const { type, input } of handlers.values()) {
    const schema = input === null ? null : inputJsonSchema(input)
    if (schema === null) continue
    const text = JSON.stringify(schema)
    const size = Buffer.byteLength(text) + Buffer.byteLength(type) + 4
    if (findUnstorable(text) !== null || bytes + size > limits.workerTypesBytesMax) {
      logger.warn({ type }, `The schema of type '${type}' cannot be published; the type works without.`)
      continue
    }
    bytes += size
    types[type] = JSON.parse(text) as Json // What JSON.parse gives is JSON.
  }
  return types
}

function readTerms(body: unknown, heartbeatMs: number | null): LeaseTerms {
  // Checked by hand: everything that is timed here hangs on these two numbers.
  const reply = body as Partial<RegistrationReply> | null
  const interval = reply?.heartbeat_interval
  const lease = reply?.lease_seconds
  if (typeof interval !== 'number' || typeof lease !== 'number' || !(interval > 0) || !(lease > 0)) {
    throw new UnexpectedReplyError('The registration was answered without heartbeat_interval and lease_seconds.')
  }
  return {
    heartbeatMs: Math.min(interval * 1_000, heartbeatMs ?? Number.POSITIVE_INFINITY),
    leaseMs: lease * 1_000,
  }
}
