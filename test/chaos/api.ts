/** Bare calls of this process to the scheduler, past all proxies. Null where no whole reply came. */
export interface Api {
  get(path: string, timeoutMs?: number): Promise<Reply | null>
  post(path: string, body: unknown, timeoutMs?: number): Promise<Reply | null>
}

export interface Reply {
  readonly status: number
  readonly body: unknown
}

export function createApi(port: () => number): Api {
  async function call(method: string, path: string, body: unknown, timeoutMs: number): Promise<Reply | null> {
    try {
      const reply = await fetch(`http://127.0.0.1:${port()}${path}`, {
        method,
        signal: AbortSignal.timeout(timeoutMs),
        ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      })
      const text = await reply.text()
      return { status: reply.status, body: text === '' ? null : JSON.parse(text) }
    } catch {
      return null
    }
  }
  return Object.freeze<Api>({
    get: (path, timeoutMs = 5_000) => call('GET', path, undefined, timeoutMs),
    post: (path, body, timeoutMs = 5_000) => call('POST', path, body, timeoutMs),
  })
}
