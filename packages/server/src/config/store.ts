import { resolve } from 'node:path'
import { isSet, type Reader } from './reader.ts'

export type StoreConfig =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'memory' }
  | {
      readonly kind: 'postgres'
      /** With the password in it: never to be logged. */
      readonly url: string
      /** Where hints are listened for: a direct connection where `url` leads through a pooler; null is nowhere. */
      readonly hintsUrl: string | null
      readonly connections: number
      readonly mayMigrate: boolean
    }

/**
 * `--data FILE`, or DATABASE_URL as `sqlite:///relative.db`, `sqlite:////absolute.db`, `postgresql://…` or `memory:`.
 * Other systems name a driver in the scheme (`postgresql+asyncpg`), or say `postgres`: both are understood.
 */
export function readStore(read: Reader, data: string | undefined, mayMigrate: boolean): StoreConfig {
  const { env, faults } = read
  const connections = read.number('TASKLANE_DATABASE_CONNECTIONS', {
    otherwise: 10,
    least: 3,
    most: 500,
    whole: true,
  })
  if (data !== undefined) {
    if (data.trim() === '') faults.push('--data is empty; it takes a file name, such as ./tasklane.db.')
    return { kind: 'sqlite', file: resolve(data) }
  }
  const url = read.secret('DATABASE_URL')
  if (url === null) return { kind: 'sqlite', file: resolve('tasklane.db') }
  if (url === 'memory:') return { kind: 'memory' }
  const sqlite = /^sqlite(?:\+\w+)?:\/\/\/(.+)$/.exec(url)
  const file = sqlite?.[1] === undefined ? null : decodedPath(sqlite[1])
  if (file !== null) return { kind: 'sqlite', file: resolve(file) }
  const postgres = readPostgresUrl('DATABASE_URL', url, faults)
  if (postgres !== null) {
    const given = isSet(env.TASKLANE_HINTS_URL)
      ? readPostgresUrl('TASKLANE_HINTS_URL', env.TASKLANE_HINTS_URL, faults)
      : null
    const isPooled = new URL(postgres).searchParams.get('pgbouncer') === 'true'
    return { kind: 'postgres', url: postgres, hintsUrl: given ?? (isPooled ? null : postgres), connections, mayMigrate }
  }
  if (!/^postgres(?:ql)?(?:\+\w+)?:\/\//.test(url)) {
    faults.push(
      `DATABASE_URL is '${withoutPassword(url)}'; it takes sqlite:///FILE (relative), sqlite:////FILE (absolute) or postgresql://USER:PASSWORD@HOST/DATABASE.`,
    )
  }
  return { kind: 'memory' }
}

/** Null where it is of another kind; a fault where it is one that cannot be read. */
function readPostgresUrl(name: string, given: string, faults: string[]): string | null {
  const scheme = /^postgres(?:ql)?(?:\+\w+)?:\/\//.exec(given)
  if (scheme === null) return null
  const url = `postgresql://${given.slice(scheme[0].length)}`
  if (URL.canParse(url) && new URL(url).pathname.length > 1) return url
  faults.push(
    `${name} is '${withoutPassword(given)}', which is no address of a database; it takes postgresql://USER:PASSWORD@HOST:PORT/DATABASE, ` +
      'with special characters of the password percent-encoded.',
  )
  return null
}

/** For messages: what stands between the user's name and the host is not repeated. */
function withoutPassword(url: string): string {
  return url.replace(/^([a-z+]+:\/\/[^:@/]*):.*@/i, '$1:…@')
}

/** Null where the percent encoding is broken. */
function decodedPath(path: string): string | null {
  try {
    return decodeURIComponent(path)
  } catch {
    return null
  }
}
