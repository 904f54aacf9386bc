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

/** The types every worker of the command can run, in the order of the help. */
export const builtInTypes = [
  'add',
  'multiply',
  'upper_case',
  'simulate',
  'sleep',
  'noop',
  'http_request',
  'count_file',
  'merge_counts',
] as const

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
