import { isIP, isIPv4 } from 'node:net'
import { booleanOf, isSet, type Reader } from './reader.ts'

/** Who may reach a node, through what, and from which pages. */
export interface EdgeConfig {
  /** Names by which an open node may be called, beside loopback's and its own; `*` is any. */
  readonly allowedHosts: readonly string[]
  /** Whose `X-Forwarded-*` is believed: nobody's, that of whoever connects, or of these addresses and networks. */
  readonly trustProxy: boolean | readonly string[]
  readonly corsOrigins: readonly string[]
  /** Requests a second of one user or token; null is no limit. */
  readonly rateLimit: number | null
  readonly tls: TlsFiles | null
}

export interface TlsFiles {
  readonly cert: string
  readonly key: string
}

export interface EdgeFlags {
  readonly tlsCert?: string | undefined
  readonly tlsKey?: string | undefined
}

/** Twice what one thread was measured to take of a client that submits one by one would be 13,000; a runaway loop is told from work by far less. */
const rateLimitDefault = 1_000

export function readEdge(read: Reader, flags: EdgeFlags): EdgeConfig {
  const rate = read.number('TASKLANE_RATE_LIMIT', { otherwise: rateLimitDefault, least: 0, most: 1_000_000 })
  return {
    allowedHosts: readAllowedHosts(read),
    trustProxy: readTrustProxy(read),
    corsOrigins: readOrigins(read),
    rateLimit: rate === 0 ? null : rate,
    tls: readTls(read, flags),
  }
}

/** Of an address to listen on: whether nobody outside of this machine can reach it. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase()
  if (name === 'localhost' || name.endsWith('.localhost')) return true
  if (isIPv4(name)) return name.startsWith('127.')
  return name === '::1' || name === '0:0:0:0:0:0:0:1' || /^::ffff:127\.\d+\.\d+\.\d+$/.test(name)
}

function readAllowedHosts({ list, faults }: Reader): readonly string[] {
  const hosts = list('TASKLANE_ALLOWED_HOSTS').map(host => host.toLowerCase())
  for (const host of hosts) {
    if (host === '*' || isIP(host) !== 0 || /^\.?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(host)) continue
    faults.push(
      `TASKLANE_ALLOWED_HOSTS holds '${host}'; it takes names and addresses without scheme and port, with commas: tasks.example, .example for all below it, or * for any.`,
    )
  }
  return hosts
}

/** What proxy-addr knows by name. */
const networkNames: readonly string[] = ['loopback', 'linklocal', 'uniquelocal']

function readTrustProxy({ env, list, faults }: Reader): EdgeConfig['trustProxy'] {
  const given = env.TRUST_PROXY
  if (!isSet(given)) return false
  // A digit would be a number of hops elsewhere, which cannot tell a proxy from a caller who says to be one.
  const word = /^\d+$/.test(given.trim()) ? null : booleanOf(given)
  if (word !== null) return word
  const networks = list('TRUST_PROXY')
  for (const network of networks) {
    if (networkNames.includes(network) || isNetwork(network)) continue
    faults.push(
      `TRUST_PROXY holds '${network}'; it takes false, true (whoever connects), or addresses and networks with commas: 10.0.0.7, 10.1.0.0/16, loopback.`,
    )
  }
  return networks
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= (version === 4 ? 32 : 128))
  )
}

function readOrigins({ list, faults }: Reader): readonly string[] {
  const origins = list('TASKLANE_CORS_ORIGINS')
  for (const origin of origins) {
    if (URL.canParse(origin) && /^https?:$/.test(new URL(origin).protocol) && new URL(origin).origin === origin)
      continue
    const why = origin === '*' ? 'any page could drive the scheduler then' : 'it is no origin'
    faults.push(
      `TASKLANE_CORS_ORIGINS holds '${origin}', and ${why}; name each as a browser sends it, with commas: https://app.example.`,
    )
  }
  return origins
}

function readTls({ env, faults }: Reader, flags: EdgeFlags): TlsFiles | null {
  const cert = flags.tlsCert ?? env.TASKLANE_TLS_CERT
  const key = flags.tlsKey ?? env.TASKLANE_TLS_KEY
  if (isSet(cert) && isSet(key)) return { cert, key }
  if (!isSet(cert) && !isSet(key)) return null
  const [here, missing] = isSet(cert) ? ['a certificate', 'key'] : ['a key', 'cert']
  faults.push(
    `TLS has ${here} but no ${missing === 'key' ? 'key' : 'certificate'}; give --tls-${missing} FILE (TASKLANE_TLS_${missing.toUpperCase()}), too.`,
  )
  return null
}
