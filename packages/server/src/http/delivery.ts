import type { FastifyReply } from 'fastify'

/**
 * Follows one reply to its end. `signal` aborts when the client leaves before the reply was handed to the network; then
 * `onLost` runs too, if by that time the reply held something that must not be lost with it.
 */
export interface Delivery {
  readonly signal: AbortSignal
  /** Has the client left? From here on, what is passed to `watch` is lost at once. */
  readonly isLost: () => boolean
  /** Calls back if the reply does not get out. */
  watch(onLost: () => void): void
}

export function followDelivery(reply: FastifyReply): Delivery {
  const controller = new AbortController()
  let lost: (() => void) | null = null
  const response = reply.raw
  let isDelivered = false
  const isLost = () => controller.signal.aborted || (response.destroyed && !isDelivered)
  // `finish`: the operating system has all of the reply. `close` comes in any case, and without it means the client left.
  response.once('finish', () => {
    isDelivered = true
    lost = null
  })
  response.once('close', () => {
    if (isDelivered) return
    controller.abort()
    lost?.()
    lost = null
  })
  return {
    signal: controller.signal,
    isLost,
    watch(onLost) {
      if (isLost()) onLost()
      else lost = onLost
    },
  }
}
