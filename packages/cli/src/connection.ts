import { TasklaneClient } from '@tasklane/sdk'
import type { Arguments } from './input/arguments.ts'
import { readAddresses } from './input/values.ts'

export const defaultAddress = 'http://127.0.0.1:8000'

export interface ClientOptions {
  /** Of the scheduler, or of several that share a store. */
  readonly urls: readonly string[]
  /** Bearer token, where one is set. */
  readonly token: string | null
}

/** What the commands ask of a scheduler; a test may answer in its place. */
export type SchedulerClient = Pick<TasklaneClient, keyof TasklaneClient>

export function createSchedulerClient(options: ClientOptions): SchedulerClient {
  return new TasklaneClient({ url: options.urls, ...(options.token === null ? {} : { token: options.token }) })
}

/** `--url`, then `TASKLANE_URL`, then the default address; the token from `TASKLANE_TOKEN` alone, so that no shell history keeps it. */
export function readConnection(input: Arguments, env: Readonly<Record<string, string | undefined>>): ClientOptions {
  const urls = input.flagOrVariable('--url', 'TASKLANE_URL', readAddresses) ?? [defaultAddress]
  const token = env.TASKLANE_TOKEN
  return { urls, token: token === undefined || token === '' ? null : token }
}
