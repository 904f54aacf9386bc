import { countFile, type TextCount } from './text-counter.ts'

/** A direct count of files, made in this process without any scheduler. */
export interface Survey {
  readonly counts: ReadonlyMap<string, TextCount>
  readonly binary: readonly string[]
  /** Files that could not be read, with the reason. */
  readonly unreadable: readonly { readonly path: string; readonly reason: string }[]
}

/** Reads in flight at once: hides the wait for the disk without holding many buffers. */
const readersMax = 8

/**
 * Counts every file.
 * @param onProgress called after each file with how many are done
 */
export async function surveyFiles(
  files: readonly string[],
  options: { readonly signal?: AbortSignal; readonly onProgress?: (done: number) => void } = {},
): Promise<Survey> {
  const counts = new Map<string, TextCount>()
  const binary: string[] = []
  const unreadable: { path: string; reason: string }[] = []
  let next = 0
  let done = 0
  const readOn = async () => {
    for (let path = files[next++]; path !== undefined; path = files[next++]) {
      const outcome = await surveyFile(path, options.signal)
      if (outcome.kind === 'text') counts.set(path, outcome.count)
      else if (outcome.kind === 'binary') binary.push(path)
      else unreadable.push({ path, reason: outcome.reason })
      done += 1
      options.onProgress?.(done)
    }
  }
  await Promise.all(Array.from({ length: readersMax }, readOn))
  return { counts, binary, unreadable }
}

type FileOutcome =
  | { readonly kind: 'text'; readonly count: TextCount }
  | { readonly kind: 'binary' }
  | { readonly kind: 'unreadable'; readonly reason: string }

/** Counts one file; a fault of the file system is an outcome, an abort is not. */
export async function surveyFile(path: string, signal?: AbortSignal): Promise<FileOutcome> {
  try {
    const outcome = await countFile(path, signal)
    return outcome.kind === 'text' ? outcome : { kind: 'binary' }
  } catch (error) {
    signal?.throwIfAborted()
    return { kind: 'unreadable', reason: error instanceof Error ? error.message : String(error) }
  }
}
