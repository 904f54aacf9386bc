import { realpath } from 'node:fs/promises'
import { isAbsolute, relative, sep } from 'node:path'
import { defineTask, PermanentError } from '@tasklane/sdk'
import { pathOfPayload, showPath, textOfPath, toFilePath } from '../demo/path-text.ts'
import { countFile, type TextCount } from '../demo/text-counter.ts'
import { mergeTotals, type Totals, totalsOf } from '../demo/totals.ts'
import { choiceField, objectSchema, optional, stringField } from './schema.ts'

/**
 * `{path, encoding?}` → the count of that text file on the worker's machine. A task is written by whoever may submit, so a worker
 * reads only below the folders it was started with; with none, nothing. A path whose bytes are no UTF-8 comes in base64.
 */
export function createCountFile(readableFolders: readonly string[]) {
  return defineTask({
    type: 'count_file',
    input: objectSchema({
      path: stringField({ maxLength: pathCharsMax, description: 'Absolute path of a text file' }),
      encoding: optional(choiceField(['utf8', 'base64'])),
    }),
    run: async (input, ctx): Promise<TextCount> => {
      const given = pathOfPayload(input)
      const path = showPath(given)
      const real = await realPathOf(given).catch((error: unknown) => {
        throw new PermanentError(`${path} cannot be read: ${reasonOf(error)}.`)
      })
      if (!(await isBelow(real, readableFolders))) {
        throw new PermanentError(
          `This worker may not read ${path}. Start it with --allow-files FOLDER for a folder above that file.`,
        )
      }
      const outcome = await countFile(real, ctx.signal)
      if (outcome.kind === 'text') return outcome.count
      throw new PermanentError(
        outcome.reason === 'nul' ? `${path} has a NUL at its beginning and is no text.` : `${path} is not UTF-8.`,
      )
    },
  })
}

/** What Linux takes as a path, in base64. */
const pathCharsMax = Math.ceil(4_096 / 3) * 4

/**
 * Adds up the results of the parents, counts of files and merges of them alike. A parent that failed has nothing to
 * add; who wants to know of it looks at the parent.
 */
export const mergeCounts = defineTask({
  type: 'merge_counts',
  input: objectSchema({ of: optional(stringField({ maxLength: 4_096, description: 'What is merged, for people' })) }),
  run: (_input, ctx): Totals =>
    mergeTotals(
      Object.values(ctx.parents)
        .filter(parent => parent.status === 'completed')
        .map(parent => readTotals(parent.result)),
    ),
})

/** A result as these two types write it. */
export function readTotals(result: unknown): Totals {
  if (typeof result === 'object' && result !== null && 'words' in result) {
    // Both shapes are ours: a count has the hash of its one file, a merge the number of its files.
    return 'sha256' in result ? totalsOf(result as TextCount) : (result as Totals)
  }
  throw new PermanentError('A parent has a result that is neither a count nor a merge of counts.')
}

async function isBelow(path: string, folders: readonly string[]): Promise<boolean> {
  for (const folder of folders) {
    const way = relative(await realPathOf(folder), path)
    if (way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)) return true
  }
  return false
}

async function realPathOf(path: string): Promise<string> {
  return textOfPath(await realpath(toFilePath(path), { encoding: 'buffer' }))
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
