import { copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Disk } from './disk.ts'
import { checkFile } from './integrity.ts'
import type { PostgresGround } from './postgres-ground.ts'

/** What the nodes of a run stand on: their store, and the ways to it. */
export interface Ground {
  readonly nodes: readonly NodePlace[]
  /** Null where the store is a file. */
  readonly postgres: PostgresGround | null
  /** The small disk of the database; null where this machine does not let one be mounted. */
  readonly disk: Disk | null
  /** What is wrong with the data that stopped nodes left; nothing where it is whole. */
  check(): Promise<readonly string[]>
  /** Copies what is part of the story of a run that went wrong. */
  keep(folder: string): void
  close(): Promise<void>
}

/** What a node's process is told of its store. */
export interface NodePlace {
  readonly name: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export type StoreKind = 'sqlite' | 'postgres'

const databaseName = 'tasklane.db'

/** One node on a file. */
export function createFileGround(folder: string, disk: Disk | null): Ground {
  const home = disk?.folder ?? folder
  const file = join(home, databaseName)
  return Object.freeze<Ground>({
    nodes: [{ name: 'scheduler', args: ['--data', file], env: {} }],
    postgres: null,
    disk,
    check: async () => checkFile(file),
    keep: to => {
      if (home === to) return
      for (const name of readdirSync(home).filter(each => each.startsWith(databaseName))) {
        copyFileSync(join(home, name), join(to, name))
      }
    },
    close: async () => disk?.unmount(),
  })
}
