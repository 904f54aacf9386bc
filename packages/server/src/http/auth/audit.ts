import type { AccountStore, AuditDraft } from '../../ports/accounts.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/log.ts'

/**
 * Writes down what was done, after it was decided: no call waits for it. Entries are gathered for a moment and written
 * together; what cannot be written is kept, up to a bound, and tried again. What is lost is counted, and told in the log.
 */
export interface Audit {
  write(entry: AuditDraft): void
  /** Resolves when all that was told before is written, or was given up. */
  flush(): Promise<void>
  stop(): Promise<void>
}

const gatherMs = 50
const retryMs = 2_000
const batchMax = 500
const waitingMax = 10_000
const toldEveryMs = 60_000

export function createAudit(parts: { readonly store: AccountStore; readonly clock: Clock; readonly log: Log }): Audit {
  const { store, clock, log } = parts
  const waiting: AuditDraft[] = []
  let writing: Promise<void> | null = null
  let cancel: (() => void) | null = null
  let lost = 0
  let toldMs = Number.NEGATIVE_INFINITY
  let isStopped = false

  function later(ms: number): void {
    if (isStopped) return
    cancel ??= clock.after(ms, () => {
      cancel = null
      void flush()
    })
  }

  function flush(): Promise<void> {
    writing ??= writeAll().finally(() => {
      writing = null
    })
    return writing
  }

  async function writeAll(): Promise<void> {
    try {
      while (waiting.length > 0) {
        const batch = waiting.slice(0, batchMax)
        await store.appendAudit(batch)
        waiting.splice(0, batch.length)
      }
    } catch (error) {
      tell({ err: error, waiting: waiting.length, lost }, 'The audit log cannot be written; it is tried again.')
      later(retryMs)
    }
  }

  function tell(fields: Readonly<Record<string, unknown>>, message: string): void {
    if (clock.monotonic() - toldMs < toldEveryMs) return
    toldMs = clock.monotonic()
    log.error(fields, message)
  }

  return Object.freeze<Audit>({
    write: entry => {
      if (waiting.length >= waitingMax) {
        lost += 1
        tell({ waiting: waiting.length, lost }, 'The audit log cannot be written; entries are lost.')
        return
      }
      waiting.push(entry)
      later(gatherMs)
    },
    flush: async () => {
      // One that is under way may have begun before the last entry came.
      await flush()
      if (waiting.length > 0) await flush()
    },
    stop: async () => {
      isStopped = true
      cancel?.()
      await flush()
    },
  })
}
