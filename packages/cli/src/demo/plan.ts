import { extname, relative } from 'node:path'
import { limits } from '@tasklane/protocol'
import { type PathPayload, payloadOfPath, showPath } from './path-text.ts'

/** Parents of one merge; above this an intermediate level is put in between. Half of what a task may have. */
export const parentsMax = 5_000

export interface PlannedTask {
  readonly task_id: string
  readonly task_type: 'count_file' | 'merge_counts'
  readonly name: string
  readonly payload: PathPayload | { readonly of: string }
  readonly dependencies: readonly string[]
}

export interface Plan {
  /** Parents before children. */
  readonly tasks: readonly PlannedTask[]
  /** The file each count is of, by task id. */
  readonly files: ReadonlyMap<string, string>
  /** The task that has the totals of an extension, by extension. */
  readonly extensions: ReadonlyMap<string, string>
  /** The task that has the totals of everything. */
  readonly root: string
  /** Levels of the graph; three, unless something has more than `parentsMax` parents. */
  readonly levels: number
}

/** What stands in the place of an extension where a file has none. */
export const noExtension = '(none)'

/** As the file name says it, with the dot and its case: `.ts`, `.d.ts` is `.ts`, `.gitignore` has none. */
export function extensionOf(path: string): string {
  const extension = extname(showPath(path))
  return extension === '' ? noExtension : extension
}

/**
 * One task a file, one merge an extension, one merge of those. Ids are readable, for this is a scheduler of its own.
 * @param folder what the files are named from; paths as they are without it
 * @param fanInMax parents of one merge, two at least
 */
export function planDemo(
  files: readonly string[],
  { folder, fanInMax = parentsMax }: { readonly folder?: string; readonly fanInMax?: number } = {},
): Plan {
  const tasks: PlannedTask[] = []
  const fileOf = new Map<string, string>()
  const byExtension = new Map<string, string[]>()
  for (const [at, path] of files.entries()) {
    const id = `count-${String(at + 1).padStart(5, '0')}`
    tasks.push({
      task_id: id,
      task_type: 'count_file',
      name: titleOf(showPath(folder === undefined ? path : relative(folder, path))),
      payload: payloadOfPath(path),
      dependencies: [],
    })
    fileOf.set(id, path)
    const extension = extensionOf(path)
    const siblings = byExtension.get(extension)
    if (siblings === undefined) byExtension.set(extension, [id])
    else siblings.push(id)
  }
  const extensions = new Map<string, string>()
  let mergeLevels = 0
  for (const [at, extension] of [...byExtension.keys()].sort().entries()) {
    const merged = planMerge(`merge-${at + 1}`, extension, byExtension.get(extension) ?? [], fanInMax)
    tasks.push(...merged.tasks)
    extensions.set(extension, merged.id)
    mergeLevels = Math.max(mergeLevels, merged.levels)
  }
  const all = planMerge('merge-all', 'everything', [...extensions.values()], fanInMax)
  tasks.push(...all.tasks)
  return {
    tasks,
    files: fileOf,
    extensions,
    root: all.id,
    levels: (files.length > 0 ? 1 : 0) + mergeLevels + all.levels,
  }
}

interface Merge {
  readonly id: string
  readonly tasks: readonly PlannedTask[]
  readonly levels: number
}

function planMerge(id: string, of: string, parents: readonly string[], fanInMax: number): Merge {
  const tasks: PlannedTask[] = []
  let layer = parents
  let levels = 1
  for (; layer.length > fanInMax; levels += 1) {
    // Even shares: 5,001 parents are two of about 2,500, not one of 5,000 and one of 1.
    const shares = Math.ceil(layer.length / fanInMax)
    const parts = Array.from({ length: shares }, (_, share) =>
      mergeTask(
        `${id}.${levels}.${share + 1}`,
        `${of} (part ${share + 1} of ${shares})`,
        layer.slice(Math.floor((share * layer.length) / shares), Math.floor(((share + 1) * layer.length) / shares)),
      ),
    )
    tasks.push(...parts)
    layer = parts.map(part => part.task_id)
  }
  tasks.push(mergeTask(id, of, layer))
  return { id, tasks, levels }
}

function mergeTask(id: string, of: string, parents: readonly string[]): PlannedTask {
  return {
    task_id: id,
    task_type: 'merge_counts',
    name: titleOf(`merge ${of}`),
    payload: { of },
    dependencies: parents,
  }
}

/** The end of a path says more than its beginning. */
function titleOf(text: string): string {
  if (text.length <= limits.titleCharsMax) return text
  // Half a character, which the cut may leave, is no text that the scheduler takes.
  return `…${text.slice(1 - limits.titleCharsMax).replace(/^\p{Surrogate}/u, '')}`
}
