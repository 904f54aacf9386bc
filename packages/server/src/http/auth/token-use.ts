import type { AccountStore } from '../../ports/accounts.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/log.ts'

/** Writes when tokens were last used: many at once, and at most once a minute. Of an hour's use one line is enough. */
export interface TokenUse {
  used(id: string): void
  /** Writes what is left. */
  stop(): Promise<void>
}

const everyMs = 60_000
/** The first use after a silence is seen soon. */
const soonMs = 1_000

export function createTokenUse({ store, clock, log }: { store: AccountStore; clock: Clock; log: Log }): TokenUse {
  let waiting = new Set<string>()
  let lastMs = Number.NEGATIVE_INFINITY
  let cancel: (() => void) | null = null

  async function write(): Promise<void> {
    cancel = null
    if (waiting.size === 0) return
    const ids = [...waiting]
    waiting = new Set()
    lastMs = clock.monotonic()
    try {
      await store.touchTokens(ids)
    } catch (error) {
      // Told again with the next use.
      log.debug({ err: error, tokens: ids.length }, 'The last use of tokens could not be written')
    }
  }

  return Object.freeze<TokenUse>({
    used: id => {
      waiting.add(id)
      cancel ??= clock.after(Math.max(soonMs, lastMs + everyMs - clock.monotonic()), () => void write())
    },
    stop: async () => {
      cancel?.()
      await write()
    },
  })
}
