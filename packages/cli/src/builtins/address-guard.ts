import type { lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { createGuardedLookup, reasonAgainstAddress } from '@tasklane/server/special-address'

/** A refusal of the guard; it is for good, another try would meet the same address. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused'
  constructor(host: string, address: string, reason: string) {
    const subject = host === address ? `The address ${address}` : `The host ${host} is at ${address}, which`
    super(
      `${subject} ${reason}, so http_request does not connect to it. Start the worker with --allow-private-addresses where that is wanted.`,
    )
  }
}

/** To which addresses http_request may connect. */
export function guardedLookup(resolve?: typeof systemLookup): LookupFunction {
  return createGuardedLookup(judge, resolve)
}

/**
 * `net.connect` does not look up a host that is an address already, so that one is judged here. The URL parser has
 * turned decimal, octal and hexadecimal forms into dots before.
 * @param hostname of a `URL`, brackets included
 */
export function refuseLiteralAddress(hostname: string): void {
  const host = hostname.replace(/^\[|\]$/g, '')
  const refusal = isIP(host) === 0 ? null : judge(host, host)
  if (refusal !== null) throw refusal
}

function judge(address: string, host: string): AddressRefused | null {
  const reason = reasonAgainstAddress(address)
  return reason === null ? null : new AddressRefused(host, address, reason)
}
