import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

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
export function createAddressGuard(
  allowed: readonly string[],
  resolve: typeof systemLookup = systemLookup,
): AddressGuard {
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
    if (family === 0) return 'is no IP address'
    if (hosts.has(host.toLowerCase())) return null
    const kind = family === 4 ? 'ipv4' : 'ipv6'
    if (networks.check(bare, kind)) return null
    const block = blocks.find(each => each.family === family && each.list.check(bare, kind))
    if (block !== undefined) return block.reason
    return family === 6 && !globalUnicast.check(bare, 'ipv6') ? 'is outside of the global unicast range' : null
  }

  return {
    reasonAgainst,
    lookup: (host, options, callback) => {
      resolve(host, { ...options, all: true }, (error, found) => {
        if (error !== null) return callback(error, [])
        const good: LookupAddress[] = []
        let refused: AddressRefused | null = null
        for (const entry of found) {
          const reason = reasonAgainst(entry.address, host)
          if (reason === null) good.push(entry)
          else refused ??= new AddressRefused(host, entry.address, reason)
        }
        const [first] = good
        if (first === undefined) return callback(refused ?? new Error(`The host ${host} has no address.`), [])
        if (options.all === true) return callback(null, good)
        return callback(null, first.address, first.family)
      })
    },
  }
}

/** An address, or a network of them. */
export function isNetwork(text: string): boolean {
  const [net = '', bits, ...more] = text.split('/')
  const family = isIP(net)
  if (family === 0 || more.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}

interface Block {
  readonly family: 4 | 6
  readonly list: BlockList
  readonly reason: string
}

/**
 * What IANA's registries of special addresses do not leave as globally reachable. In IPv6 that is all but 2000::/3, so that
 * what is assigned later stays refused until somebody looks at it.
 */
const blocks: readonly Block[] = [
  block(4, 'is of this host', ['0.0.0.0/8']),
  block(4, 'is a loopback address', ['127.0.0.0/8']),
  block(4, 'is private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']),
  block(4, 'is shared by a carrier', ['100.64.0.0/10']),
  // The metadata services of clouds live here.
  block(4, 'is link-local', ['169.254.0.0/16']),
  block(4, 'is reserved', ['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '198.18.0.0/15', '198.51.100.0/24']),
  block(4, 'is reserved', ['203.0.113.0/24', '240.0.0.0/4']),
  block(4, 'is a multicast address', ['224.0.0.0/4']),
  block(6, 'is of this host', ['::/128']),
  block(6, 'is a loopback address', ['::1/128']),
  block(6, 'is an IPv4 address in IPv6 clothes', ['::ffff:0:0/96', '::/96', '::ffff:0:0:0/96']),
  block(6, 'leads through NAT64 to an IPv4 address', ['64:ff9b::/96', '64:ff9b:1::/48']),
  block(6, 'is unique local', ['fc00::/7']),
  block(6, 'is link-local', ['fe80::/10', 'fec0::/10']),
  block(6, 'is a multicast address', ['ff00::/8']),
  // Teredo and 6to4 carry an IPv4 address inside; the rest is documentation and benchmarks.
  block(6, 'is reserved', ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']),
]

const globalUnicast = listOf(6, ['2000::/3'])

function block(family: 4 | 6, reason: string, subnets: readonly string[]): Block {
  return { family, list: listOf(family, subnets), reason }
}

function listOf(family: 4 | 6, subnets: readonly string[]): BlockList {
  const list = new BlockList()
  for (const subnet of subnets) {
    const [net = '', bits] = subnet.split('/')
    list.addSubnet(net, Number(bits), family === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}
