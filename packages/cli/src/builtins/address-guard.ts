import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/**
 * Which addresses http_request may connect to. The check is made on the address the connection is about to use, not on
 * the name that was asked for: a name may say one thing when it is looked at and another when it is connected to.
 */
export type AddressVerdict = { readonly allowed: true } | { readonly allowed: false; readonly reason: string }

/**
 * Judges one IP address. Allowed is what IANA's special-purpose registries leave as globally reachable unicast; in IPv6
 * that is `2000::/3` without its special blocks, so that whatever is assigned later stays refused until looked at.
 * @param address as `net.isIP` knows it, a zone (`%eth0`) included
 */
export function judgeAddress(address: string): AddressVerdict {
  const bare = address.split('%', 1)[0] ?? ''
  const family = isIP(bare)
  if (family === 0) return { allowed: false, reason: 'is not an IP address' }
  for (const block of blocks) {
    if (block.family === family && block.list.check(bare, family === 4 ? 'ipv4' : 'ipv6')) {
      return { allowed: false, reason: block.reason }
    }
  }
  if (family === 6 && !globalUnicast.check(bare, 'ipv6')) {
    return { allowed: false, reason: 'is outside the global unicast range 2000::/3' }
  }
  return { allowed: true }
}

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

/**
 * A `lookup` for `net.connect` that hands on allowed addresses only. A name with no allowed address is refused; of a
 * name with several, the others are left out.
 */
export function createGuardedLookup(resolve: typeof systemLookup = systemLookup): LookupFunction {
  return (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, [])
      const allowed: LookupAddress[] = []
      let refused: AddressRefused | null = null
      for (const entry of found) {
        const verdict = judgeAddress(entry.address)
        if (verdict.allowed) allowed.push(entry)
        else refused ??= new AddressRefused(host, entry.address, verdict.reason)
      }
      const first = allowed[0]
      if (first === undefined) return callback(refused ?? new Error(`The host ${host} has no address.`), [])
      if (options.all === true) return callback(null, allowed)
      return callback(null, first.address, first.family)
    })
  }
}

/**
 * `net.connect` does not look up a host that is an address already, so that one is judged here. The URL parser has
 * turned decimal, octal and hexadecimal forms into dots before.
 * @param hostname of a `URL`, brackets included
 */
export function refuseLiteralAddress(hostname: string): void {
  const host = hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) === 0) return
  const verdict = judgeAddress(host)
  if (!verdict.allowed) throw new AddressRefused(host, host, verdict.reason)
}

interface Block {
  readonly family: 4 | 6
  readonly list: BlockList
  readonly reason: string
}

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
    const [net = '', prefix] = subnet.split('/')
    list.addSubnet(net, Number(prefix), family === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}
