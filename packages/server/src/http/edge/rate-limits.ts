import type { FastifyInstance } from 'fastify'
import { Problem } from '../../core/problem.ts'
import type { Clock } from '../../ports/clock.ts'

/** A caller may save up this much and spend it at once. */
const burstSeconds = 10
/**
 * Of the protocol of workers, whose token a whole fleet may share: 20,000 calls a second by default, several times what a
 * node answers, so that no healthy worker meets the limit.
 */
const workerFactor = 20
/** Callers are accounts, and few; what is forgotten begins anew with a full measure. */
const callersMax = 10_000

interface Bucket {
  /** Calls that may come at once. */
  left: number
  atMs: number
}

/**
 * So many requests a second for each user and each token, whatever is asked for; to be added behind the guard, which
 * knows who calls. By hand and not by a library: those count in asynchronous hooks by a clock of their own, and this
 * runs at every request.
 */
export function addRateLimits(
  app: FastifyInstance,
  { perSecond, clock }: { readonly perSecond: number | null; readonly clock: Clock },
): void {
  if (perSecond === null) return
  const calls = createBuckets(perSecond, clock)
  const workerCalls = createBuckets(perSecond * workerFactor, clock)
  app.addHook('onRequest', (request, _reply, done) => {
    const { name } = request.principal
    // Who calls without a login got no further than what is public: health, the login itself.
    if (name === null) {
      done()
      return
    }
    const buckets = request.routeOptions.config.access === 'workers.serve' ? workerCalls : calls
    const waitSeconds = buckets.take(name)
    if (waitSeconds === 0) done()
    else {
      const sentence = `${name} sends more than ${buckets.perSecond} requests a second; wait ${waitSeconds} s. Submits can go in batches.`
      done(new Problem('too_many_requests', sentence, [], undefined, waitSeconds))
    }
  })
}

function createBuckets(perSecond: number, clock: Clock) {
  const most = Math.max(1, perSecond * burstSeconds)
  const buckets = new Map<string, Bucket>()
  return {
    perSecond,
    /** Seconds to wait; 0 is none, and the call is counted. */
    take(name: string): number {
      const nowMs = clock.monotonic()
      let bucket = buckets.get(name)
      if (bucket === undefined) {
        if (buckets.size >= callersMax) buckets.clear()
        bucket = { left: most, atMs: nowMs }
        buckets.set(name, bucket)
      }
      bucket.left = Math.min(most, bucket.left + ((nowMs - bucket.atMs) / 1_000) * perSecond)
      bucket.atMs = nowMs
      if (bucket.left < 1) return Math.max(1, Math.ceil((1 - bucket.left) / perSecond))
      bucket.left -= 1
      return 0
    },
  }
}
