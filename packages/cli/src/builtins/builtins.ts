import { add, multiply } from './arithmetic.ts'
import { createCountFile, mergeCounts } from './count-files.ts'
import { createHttpRequest } from './http-request.ts'
import { upperCase } from './text.ts'
import { noop, simulate, sleep } from './waiting.ts'

export interface BuiltInOptions {
  /** Lets `http_request` connect to loopback, private and other special addresses. */
  readonly allowPrivateAddresses?: boolean
  /** Folders below which `count_file` may read; none if absent. */
  readonly readableFolders?: readonly string[]
}

/** The types every worker of the command can run and what each does, in the order of the help. */
export const builtInSummaries = Object.freeze({
  add: '{x, y} → x + y, exact on whole numbers up to 2^53 − 1, refused beyond',
  multiply: '{x, y} → x · y, likewise',
  upper_case: '{text} → the text in capitals, in every script (ß → SS)',
  simulate: '{seconds?} → sleeps seconds / priority (5 s if absent), tells how far it is',
  sleep: '{seconds} → sleeps that long',
  noop: 'anything → null',
  http_request: '{url, method?, headers?, body?, timeout?} → {status, headers, body, …}',
  count_file: '{path, encoding?} → lines, words and more of a text file (see --allow-files)',
  merge_counts: 'sums what count_file and merge_counts of its parents returned',
})

export type BuiltInType = keyof typeof builtInSummaries

// The keys are those of the object above, which nothing can add to.
export const builtInTypes = Object.freeze(Object.keys(builtInSummaries) as BuiltInType[])

export function createBuiltIns(options: BuiltInOptions = {}) {
  return [
    add,
    multiply,
    upperCase,
    simulate,
    sleep,
    noop,
    createHttpRequest({ allowPrivateAddresses: options.allowPrivateAddresses ?? false }),
    createCountFile(options.readableFolders ?? []),
    mergeCounts,
  ] as const
}
