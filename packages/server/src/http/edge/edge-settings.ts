/** How a node meets the network around it. */
export interface EdgeSettings {
  /** Names an open node answers to, beside those of loopback: `tasks.example`, `.example` for all below it, `*` for any. */
  readonly hosts: readonly string[]
  /** Whether an open node answers to any IP address and any name of one word, as one has to that listens for a network. */
  readonly takesAddresses: boolean
  /** Whose `X-Forwarded-*` is believed: nobody's, that of whoever connects, or of these addresses and networks. */
  readonly trustProxy: boolean | readonly string[]
  /** Pages of other origins whose scripts may read what they ask for. */
  readonly corsOrigins: readonly string[]
  /** Requests a second of one user or token, over ten seconds; null is no limit. */
  readonly rateLimit: number | null
  readonly tls: TlsPair | null
}

/** PEM. */
export interface TlsPair {
  readonly cert: string | Buffer
  readonly key: string | Buffer
}

/** On loopback, for this machine alone. */
export const edgeSettingsDefault: EdgeSettings = Object.freeze({
  hosts: [],
  takesAddresses: false,
  trustProxy: false,
  corsOrigins: [],
  rateLimit: null,
  tls: null,
})
