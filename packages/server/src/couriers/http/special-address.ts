import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/**
 * Why a program that is told an address by somebody else should not connect there, as the end of a sentence; null where
 * it may. Allowed is what IANA's special-purpose registries leave as globally reachable unicast.
 * @param address as `net.isIP` knows it, a zone (`%eth0`) included
 */
export function reasonAgainstAddress(address: string): string | null {
  const bare = address.split('%', 1)[0] ?? ''
  const family = isIP(bare)
  if (family === 0) return 'is not an IP address'
  const kind = family === 4 ? 'ipv4' : 'ipv6'
  const block = blocks.find(each => each.family === family && each.list.check(bare, kind))
  if (block !== undefined) return block.reason
  return family === 6 && !globalUnicast.check(bare, 'ipv6') ? 'is outside the global unicast range 2000::/3' : null
}

/** @returns the refusal of this address, found by this host; null where it may be connected to */
export type JudgeAddress = (address: string, host: string) => Error | null

/**
 * A `lookup` for `net.connect` that hands on allowed addresses only: what is judged is the address that the connection is
 * about to use, since a name may say one thing when it is looked at and another when it is connected to. A name with no
 * allowed address is refused; of a name with several, the others are left out. A host that is an address already is
 * not looked up, and has to be judged before.
 */
export function createGuardedLookup(judge: JudgeAddress, resolve: typeof systemLookup = systemLookup): LookupFunction {
  return (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, [])
      const allowed: LookupAddress[] = []
      let refusal: Error | null = null
      for (const entry of found) {
        const against = judge(entry.address, host)
        if (against === null) allowed.push(entry)
        else refusal ??= against
      }
      const [first] = allowed
      if (first === undefined) return callback(refusal ?? new Error(`The host ${host} has no address.`), [])
      if (options.all === true) return callback(null, allowed)
      return callback(null, first.address, first.family)
    })
  }
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
  block(4, 'is unspecified or of this host', ['0.0.0.0/8']),
  block(4, 'is a loopback address', ['127.0.0.0/8']),
  block(4, 'is private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']),
  block(4, 'is shared by a carrier', ['100.64.0.0/10']),
  // The metadata services of clouds live here.
  block(4, 'is link-local', ['169.254.0.0/16']),
  block(4, 'is reserved', ['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '198.18.0.0/15', '198.51.100.0/24']),
  block(4, 'is reserved', ['203.0.113.0/24', '240.0.0.0/4']),
  block(4, 'is a multicast address', ['224.0.0.0/4']),
  block(6, 'is unspecified', ['::/128']),
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
