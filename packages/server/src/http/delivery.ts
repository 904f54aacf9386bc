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
  const isLost = () => controller.signal.aborted || response.destroyed
  // `close` comes after every reply, too; `writableFinished` tells whether all of it went to the network before.
  response.once('close', () => {
    if (response.writableFinished) return
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
