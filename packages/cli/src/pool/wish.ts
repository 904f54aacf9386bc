/** What somebody wants of a pool: kept in `pool.json`, so that a supervisor that died is replaced by an equal one. */
export interface PoolWish {
  readonly version: 1
  /** Another one with each `start`: what was given up is tried anew. */
  readonly revision: number
  readonly prefix: string
  readonly min: number
  readonly max: number
  readonly urls: readonly string[]
  readonly httpHost: string
  /** Of the first worker; 0 is any free port for each. */
  readonly httpPort: number
  readonly slots: number
  readonly graceSeconds: number
  /** Empty is all. */
  readonly queues: readonly string[]
  /** The words of the worker's command line that were given: by flag, its values; of a flag that takes none an empty list. */
  readonly flags: Readonly<Record<string, readonly string[]>>
  /** Absolute. */
  readonly module: string | null
  readonly cwd: string
}

/** Trusted when it has the right shape: the folder is readable by nobody else. */
export function parseWish(value: unknown): PoolWish | null {
  if (typeof value !== 'object' || value === null || !('version' in value) || value.version !== 1) return null
  const wanted = ['revision', 'prefix', 'min', 'max', 'urls', 'httpHost', 'httpPort', 'slots', 'graceSeconds', 'flags']
  if (!wanted.every(name => name in value)) return null
  return value as PoolWish // Written by this program, as the version says.
}

export function isScaled(wish: PoolWish): boolean {
  return wish.min !== wish.max
}

export function workerIdOf(wish: PoolWish, number: number): string {
  return `${wish.prefix}-${number}`
}

/** The number behind the prefix, or null where the id is not one of this pool. */
export function numberOf(wish: PoolWish, workerId: string): number | null {
  if (!workerId.startsWith(`${wish.prefix}-`)) return null
  const rest = workerId.slice(wish.prefix.length + 1)
  return /^[1-9]\d{0,4}$/.test(rest) ? Number(rest) : null
}

/** The command line of one worker. The token is not on it: it comes with the environment. */
export function workerArgs(wish: PoolWish, number: number, port: number): readonly string[] {
  const flags = Object.entries(wish.flags).flatMap(([flag, values]) =>
    values.length === 0 ? [flag] : values.flatMap(value => [flag, value]),
  )
  return [
    'worker',
    ...(wish.module === null ? [] : [wish.module]),
    '--worker-id',
    workerIdOf(wish, number),
    '--url',
    wish.urls.join(','),
    '--http-host',
    wish.httpHost,
    '--http-port',
    String(port),
    ...flags,
    '--pooled',
    '--no-env-file',
  ]
}

/** What differs between two wishes beside the number of workers, by the flag that says it. */
export function differencesOf(before: PoolWish, after: PoolWish): readonly string[] {
  const said = (wish: PoolWish): Readonly<Record<string, string>> => ({
    ...Object.fromEntries(Object.entries(wish.flags).map(([flag, values]) => [flag, values.join(',') || 'set'])),
    '--prefix': wish.prefix,
    '--url': wish.urls.join(','),
    '--http-host': wish.httpHost,
    '--http-port': String(wish.httpPort),
    '--module': wish.module ?? 'none',
  })
  const [one, other] = [said(before), said(after)]
  return [...new Set([...Object.keys(one), ...Object.keys(other)])]
    .filter(flag => one[flag] !== other[flag])
    .map(flag => `${flag} (${one[flag] ?? 'not set'}, now ${other[flag] ?? 'not set'})`)
}
