/**
 * Bare calls of this process to the scheduler, past all proxies. Of several nodes it stays with one until that one does not
 * answer, or answers 503; a call that asks is then made at the others too, one that changes is left to its caller.
 */
export interface Api {
  /** Null where no whole reply came. */
  get(path: string, timeoutMs?: number): Promise<Reply | null>
  post(path: string, body: unknown, timeoutMs?: number): Promise<Reply | null>
}

export interface Reply {
  readonly status: number
  readonly body: unknown
  readonly retryAfter: string | null
}

export function createApi(ports: () => readonly number[]): Api {
  let at = 0

  async function call(method: string, path: string, body: unknown, timeoutMs: number): Promise<Reply | null> {
    const asked = at
    const reply = await callAt(portAt(asked), method, path, body, timeoutMs)
    if ((reply === null || reply.status === 503) && at === asked) at += 1
    return reply
  }

  function portAt(turn: number): number {
    const all = ports()
    return all[turn % all.length] ?? 0
  }

  return Object.freeze<Api>({
    get: async (path, timeoutMs = 5_000) => {
      let reply: Reply | null = null
      for (let tries = 0; tries < ports().length; tries += 1) {
        reply = await call('GET', path, undefined, timeoutMs)
        if (reply !== null && reply.status !== 503) return reply
      }
      return reply
    },
    post: (path, body, timeoutMs = 5_000) => call('POST', path, body, timeoutMs),
  })
}

/** One call to one node. */
export async function callAt(
  port: number,
  method: string,
  path: string,
  body?: unknown,
  timeoutMs = 5_000,
): Promise<Reply | null> {
  try {
    const reply = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    const text = await reply.text()
    return {
      status: reply.status,
      body: text === '' ? null : JSON.parse(text),
      retryAfter: reply.headers.get('retry-after'),
    }
  } catch {
    return null
  }
}
