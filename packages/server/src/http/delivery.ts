import type { FastifyReply } from 'fastify'

/**
 * Follows one reply to its end. `signal` aborts when the client leaves before the reply was handed to the network; then
 * `onLost` runs too, if by that time the reply held something that must not be lost with it.
 */
export interface Delivery {
  readonly signal: AbortSignal
  /** Calls back, once, if the reply does not get out; at once where the client has already left. */
  watch(onLost: () => void): void
}

export function followDelivery(reply: FastifyReply): Delivery {
  const controller = new AbortController()
  let lost: (() => void) | null = null
  const response = reply.raw
  const socket = reply.request.raw.socket
  let isDelivered = false
  const isLost = () => controller.signal.aborted || (response.destroyed && !isDelivered)
  // `finish` says that the operating system has all of the reply, but it comes also after a write that failed: then the
  // socket is destroyed. `close` comes in any case, and without a good `finish` before it means that the client left.
  response.once('finish', () => {
    if (socket.destroyed) return
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
    watch(onLost) {
      if (isLost()) onLost()
      else lost = onLost
    },
  }
}
