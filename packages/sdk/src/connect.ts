import { UsageError } from './errors.ts'

/** Where the scheduler is and who is calling; shared by client and worker. */
export interface ConnectOptions {
  /**
   * Address of the scheduler, or of several that share a store, as a list or separated by commas: another is asked when
   * one does not answer. If absent, the variable `TASKLANE_URL`, else `http://127.0.0.1:8000`.
   */
  readonly url?: string | readonly string[] | undefined
  /** Sent as bearer token. If absent, the variable `TASKLANE_TOKEN`, else none. */
  readonly token?: string | undefined
}

export const urlDefault = 'http://127.0.0.1:8000'

export function resolveConnect(
  options: ConnectOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): { readonly urls: readonly string[]; readonly token: string | null } {
  const given = options.url ?? env.TASKLANE_URL ?? ''
  const urls = [given]
    .flat()
    .flatMap(url => url.split(','))
    .map(url => url.trim())
    .filter(url => url !== '')
  if (urls.length === 0 && options.url !== undefined) {
    throw new UsageError('The option `url` is empty; leave it out or give the address of a scheduler.')
  }
  const token = options.token ?? env.TASKLANE_TOKEN ?? ''
  return { urls: urls.length === 0 ? [urlDefault] : [...new Set(urls)], token: token === '' ? null : token }
}
