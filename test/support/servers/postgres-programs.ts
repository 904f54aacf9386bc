import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { isProgram, type Need } from './find-or-install.ts'

export interface PostgresPrograms {
  /** Where `postgres` and `initdb` are. */
  readonly folder: string
  readonly majorVersion: number
  /** Whom they run as, since PostgreSQL refuses root; null: as this process. */
  readonly owner: { readonly uid: number; readonly gid: number } | null
}

/** The oldest one that drops a database in use: `DROP DATABASE … WITH (FORCE)`. */
export const majorVersionMin = 13

const clusterSettings = '/etc/postgresql-common/createcluster.conf'

export const postgresNeed: Need<PostgresPrograms> = {
  name: `PostgreSQL ${majorVersionMin} or later`,
  packages: ['postgresql'],
  otherwise: 'set TEST_DATABASE_URL to a server where databases may be created',
  find: () => findPostgres(),
  beforeInstall: () => {
    if (existsSync(clusterSettings)) return null
    mkdirSync(dirname(clusterSettings), { recursive: true })
    writeFileSync(clusterSettings, 'create_main_cluster = false\n')
    return `No system cluster is made either: create_main_cluster = false in ${clusterSettings}.`
  },
}

/** The newest, wherever the usual packagers of Linux and macOS put it. */
export function findPostgres(places: readonly string[] = usualPlaces()): PostgresPrograms | null {
  const owner = process.getuid?.() === 0 ? unprivilegedUser() : null
  if (process.getuid?.() === 0 && owner === null) return null
  let best: PostgresPrograms | null = null
  for (const folder of places) {
    const majorVersion = versionIn(folder)
    if (majorVersion >= majorVersionMin && majorVersion > (best?.majorVersion ?? 0))
      best = { folder, majorVersion, owner }
  }
  return best
}

function usualPlaces(): readonly string[] {
  return [
    ...(process.env.PATH ?? '').split(delimiter).filter(folder => folder !== ''),
    ...binsIn('/usr/lib/postgresql'),
    ...binsIn('/opt/homebrew/opt', 'postgresql'),
    ...binsIn('/usr/local/opt', 'postgresql'),
    ...binsIn('/Applications/Postgres.app/Contents/Versions'),
    ...binsIn('/usr', 'pgsql-'),
    '/usr/local/pgsql/bin',
  ]
}

function binsIn(folder: string, prefix = ''): readonly string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter(name => name.startsWith(prefix))
    .map(name => join(folder, name, 'bin'))
}

/** 0 where they are not or do not start. */
function versionIn(folder: string): number {
  const versions = ['postgres', 'initdb'].map(name => {
    const file = join(folder, name)
    if (!isProgram(file)) return 0
    const { status, stdout } = spawnSync(file, ['--version'], { encoding: 'utf8' })
    return status === 0 ? Number(/\(PostgreSQL\) (\d+)/.exec(stdout)?.[1] ?? 0) : 0
  })
  return Math.min(...versions)
}

/** The user that PostgreSQL's packages make, or whoever may do nothing else. */
function unprivilegedUser(): { readonly uid: number; readonly gid: number } | null {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['postgres', '_postgres', 'nobody']) {
    const [, , uid, gid] = lines.find(line => line.startsWith(`${name}:`))?.split(':') ?? []
    if (Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) }
  }
  return null
}
