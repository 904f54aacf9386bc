import { type LogLevel, limits } from '@tasklane/protocol'
import type { Clock } from '../clock.ts'
import { storableText } from '../json-encode.ts'
import type { WorkerLogger } from '../log.ts'
import type { Lease } from './lease-keeper.ts'
import type { Link } from './link.ts'

/**
 * Carries the handlers' log lines to the scheduler in batches. Logs are worth less than results: what cannot be sent
 * at the second try is dropped, what is too much is dropped, and both are told in the worker's own log.
 */
export interface LogCarrier {
  add(lease: Lease, level: LogLevel, message: string): void
  /** Resolves when all lines added so far were sent or dropped; never rejects. */
  flush(): Promise<void>
  stop(): void
}

/** Lines wait this long for company. */
const gatherMs = 250
/** Of lines not yet sent: a handler that logs without end must not fill the memory. */
const waitingLinesMax = 10_000
const waitingCharsMax = 16_777_216
/** JSON may write a character in up to six bytes; this keeps a call below the largest body. */
const callCharsMax = 2_097_152
const callTimeoutMs = 10_000

export function createLogCarrier(parts: {
  readonly workerId: string
  readonly link: Link
  readonly clock: Clock
  readonly logger: WorkerLogger
}): LogCarrier {
  const { link, clock, logger } = parts
  const path = `/api/workers/${encodeURIComponent(parts.workerId)}/logs`
  const stopping = new AbortController()
  let lines: string[] = []
  let chars = 0
  let dropped = 0
  let cancelTimer: (() => void) | null = null
  let sending: Promise<void> = Promise.resolve()

  function add({ taskId, epoch }: Lease, level: LogLevel, message: string): void {
    if (lines.length >= waitingLinesMax || chars >= waitingCharsMax || stopping.signal.aborted) {
      dropped += 1
      return
    }
    const line = JSON.stringify({
      task_id: taskId,
      epoch,
      level,
      message: storableText(message, limits.logLineCharsMax),
      time: new Date(clock.now()).toISOString(),
    })
    lines.push(line)
    chars += line.length
    if (lines.length >= limits.logLinesPerCallMax || chars >= callCharsMax) void flush()
    else cancelTimer ??= clock.after(gatherMs, () => void flush())
  }

  function flush(): Promise<void> {
    cancelTimer?.()
    cancelTimer = null
    // One after the other, so that the lines of a task arrive in order.
    sending = sending.then(sendAll)
    return sending
  }

  async function sendAll(): Promise<void> {
    while (lines.length > 0 && !stopping.signal.aborted) {
      const batch = takeBatch()
      await send(batch)
    }
    if (dropped > 0) {
      logger.warn({ dropped }, `${dropped} log lines of tasks were dropped: too many, or the scheduler was away.`)
      dropped = 0
    }
  }

  function takeBatch(): readonly string[] {
    let size = 0
    let count = 0
    for (const line of lines) {
      size += line.length
      if (count > 0 && (size > callCharsMax || count === limits.logLinesPerCallMax)) break
      count += 1
    }
    const batch = lines.splice(0, count)
    for (const line of batch) chars -= line.length
    return batch
  }

  async function send(batch: readonly string[]): Promise<void> {
    const body = `{"logs":[${batch.join(',')}]}`
    const call = { method: 'POST', path, body, timeoutMs: callTimeoutMs, signal: stopping.signal } as const
    try {
      // A lost reply may double lines; a reader of logs can live with that, a waiting result cannot wait for certainty.
      await link.once({ ...call, isRepeatable: true }).catch(async () => {
        await link.pause(0, stopping.signal)
        await link.once({ ...call, isRepeatable: true })
      })
    } catch {
      dropped += batch.length
    }
  }

  return Object.freeze<LogCarrier>({
    add,
    flush,
    stop: () => {
      stopping.abort()
      cancelTimer?.()
      lines = []
    },
  })
}
