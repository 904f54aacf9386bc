import type { EdgeSettings } from './edge-settings.ts'

/**
 * For Fastify, whose `request.ip` is then the address that the nearest proxy saw. A proxy adds to what a caller sent, so
 * `true` believes one step, whoever connects, and a list as many as are in it: the first address that is no proxy's counts.
 */
export function trustedProxies({
  trustProxy,
}: EdgeSettings): false | string[] | ((address: string, hop: number) => boolean) {
  if (trustProxy === true) return (_address, hop) => hop === 0
  return trustProxy === false ? false : [...trustProxy]
}
