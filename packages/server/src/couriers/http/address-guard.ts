import type { lookup as systemLookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { createGuardedLookup, reasonAgainstAddress } from './special-address.ts'

/**
 * To which addresses a message may go. It is judged by the address that the connection is about to use, not by the name
 * that was asked for: a name may say one thing when it is looked at and another when it is connected to.
 */
export interface AddressGuard {
  /** Why this address is not gone to, as the end of a sentence; null where it may. @param host the name it was found by */
  reasonAgainst(address: string, host: string): string | null
  /** For `net.connect`: hands on allowed addresses only, and rejects with `AddressRefused` where there is none. */
  readonly lookup: LookupFunction
}

/** For good: another try would meet the same address. */
export class AddressRefused extends Error {
  constructor(host: string, address: string, reason: string) {
    const subject = host === address ? `The address ${address}` : `The host ${host} is at ${address}, which`
    super(`${subject} ${reason}; the operator allows it by TASKLANE_WEBHOOK_ALLOW where that is wanted.`)
    this.name = 'AddressRefused'
  }
}

/** @param allowed names of hosts, addresses, and networks (`10.1.0.0/16`) that may be gone to whatever they are */
export function createAddressGuard(allowed: readonly string[], resolve?: typeof systemLookup): AddressGuard {
  const hosts = new Set(allowed.filter(each => !isNetwork(each)).map(host => host.toLowerCase()))
  const networks = new BlockList()
  for (const network of allowed.filter(isNetwork)) {
    const [net = '', bits] = network.split('/')
    const family = isIP(net) === 4 ? 'ipv4' : 'ipv6'
    networks.addSubnet(net, Number(bits ?? (family === 'ipv4' ? 32 : 128)), family)
  }

  function reasonAgainst(address: string, host: string): string | null {
    const bare = address.split('%', 1)[0] ?? ''
    const family = isIP(bare)
    const isAllowed =
      family !== 0 && (hosts.has(host.toLowerCase()) || networks.check(bare, family === 4 ? 'ipv4' : 'ipv6'))
    return isAllowed ? null : reasonAgainstAddress(address)
  }

  const judge = (address: string, host: string): AddressRefused | null => {
    const reason = reasonAgainst(address, host)
    return reason === null ? null : new AddressRefused(host, address, reason)
  }
  return { reasonAgainst, lookup: createGuardedLookup(judge, resolve) }
}

/** An address, or a network of them. */
export function isNetwork(text: string): boolean {
  const [net = '', bits, ...more] = text.split('/')
  const family = isIP(net)
  if (family === 0 || more.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}
