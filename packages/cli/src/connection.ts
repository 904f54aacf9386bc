import { TasklaneClient } from '@tasklane/sdk'

export const defaultAddress = 'http://127.0.0.1:8000'

export interface ClientOptions {
  /** Of the scheduler, or of several that share a store. */
  readonly urls: readonly string[]
  /** Bearer token, where one is set. */
  readonly token: string | null
  /** Where the token is that of a person who logged in, and so ends soon. */
  readonly login?: { readonly name: string; readonly expires_at: string }
}

/** What the commands ask of a scheduler; a test may answer in its place. */
export type SchedulerClient = Pick<TasklaneClient, keyof TasklaneClient>

export function createSchedulerClient(options: ClientOptions): SchedulerClient {
  return new TasklaneClient({ url: options.urls, ...(options.token === null ? {} : { token: options.token }) })
}

/** An address to listen on is not always one to connect to: every interface is reached at the loopback one. */
export function reachableAddress(url: string): string {
  const address = new URL(url)
  if (address.hostname === '0.0.0.0') address.hostname = '127.0.0.1'
  if (address.hostname === '[::]') address.hostname = '[::1]'
  return address.href.replace(/\/$/, '')
}
