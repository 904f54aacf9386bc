import { readdir } from 'node:fs/promises'
import { joinName, toFilePath } from './path-text.ts'

/**
 * What stands below a folder. Every entry that is not itself a folder is either in `files` or counted in `leftOut`, so
 * `files.length + leftOut` is what `find FOLDER ! -type d | wc -l` prints.
 */
export interface Walk {
  /** Absolute paths of the regular files to look at, sorted; see `path-text.ts` for names that are no UTF-8. */
  readonly files: readonly string[]
  /**
   * Entries that are no folders and are not looked at: anything below a folder named `.git` or `node_modules`, and
   * outside of those symbolic links (what they point at is counted where it stands, or is not of this folder), sockets,
   * pipes and devices.
   */
  readonly leftOut: number
  /** Folders that could not be read, with the reason. */
  readonly unreadable: readonly { readonly path: string; readonly reason: string }[]
}

const foreignFolders: ReadonlySet<string> = new Set(['.git', 'node_modules'])

/** Walks a folder to its leaves. Symbolic links are not followed, so it ends, and nothing is met twice. */
export async function walkFolder(root: string, signal?: AbortSignal): Promise<Walk> {
  const files: string[] = []
  const unreadable: { path: string; reason: string }[] = []
  let leftOut = 0
  const waiting = [{ path: root, foreign: false }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    signal?.throwIfAborted()
    try {
      // Names as bytes: as text, those that are no UTF-8 would lead to no file.
      for (const entry of await readdir(toFilePath(next.path), { withFileTypes: true, encoding: 'buffer' })) {
        const path = joinName(next.path, entry.name)
        if (entry.isDirectory()) waiting.push({ path, foreign: next.foreign || foreignFolders.has(String(entry.name)) })
        else if (entry.isFile() && !next.foreign) files.push(path)
        else leftOut += 1
      }
    } catch (error) {
      unreadable.push({ path: next.path, reason: error instanceof Error ? error.message : String(error) })
    }
  }
  return { files: files.sort(), leftOut, unreadable }
}
