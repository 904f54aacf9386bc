import { limits, type SettleReply, type SettleVerdict } from '@tasklane/protocol'
import type { Clock } from '../clock.ts'
import { ApiError } from '../errors.ts'
import type { WorkerLogger } from '../log.ts'
import type { Lease } from './lease-keeper.ts'
import type { Link } from './link.ts'
import { encodeFailure, type OutcomeText } from './outcome.ts'

/**
 * Brings results to the scheduler. When nothing is under way, what has finished in this turn of the event loop goes at
 * once; what finishes meanwhile goes together with the next call. A result is kept and sent again until the scheduler
 * gives its verdict; after an outage that may be `stale`, which is then the truth and no error.
 */
export interface SettleLine {
  add(lease: Lease, outcome: OutcomeText): void
  /** Results without a verdict. */
  size(): number
  /** Resolves when every result has its verdict, or when the line was stopped. */
  whenEmpty(): Promise<void>
  stop(): void
}

export interface SettleLineParts {
  readonly workerId: string
  readonly link: Link
  readonly clock: Clock
  readonly logger: WorkerLogger
  /** Called with every verdict, once a result. */
  readonly onVerdict: (leases: readonly Lease[]) => void
}

interface Entry {
  readonly lease: Lease
  readonly outcome: OutcomeText
}

const batchBytesMax = limits.bodyBytesMax / 2
/** Around each outcome: the id, the epoch and the names. */
const entryOverheadBytes = 512

export function createSettleLine({ workerId, link, clock, logger, onVerdict }: SettleLineParts): SettleLine {
  const stopping = new AbortController()
  const path = `/api/workers/${encodeURIComponent(workerId)}/settle`
  const line: Entry[] = []
  let underWay = 0
  let isBusy = false
  let waiting: (() => void)[] = []

  function add(lease: Lease, outcome: OutcomeText): void {
    line.push({ lease, outcome })
    if (isBusy || stopping.signal.aborted) return
    isBusy = true
    clock.soon(() => void sendAll())
  }

  async function sendAll(): Promise<void> {
    while (line.length > 0 && !stopping.signal.aborted) {
      const batch = line.splice(0, countThatFit(line))
      underWay = batch.length
      await send(batch)
      underWay = 0
    }
    isBusy = false
    for (const resolve of waiting) resolve()
    waiting = []
  }

  async function send(batch: readonly Entry[]): Promise<void> {
    try {
      const body = `{"results":[${batch.map(describeEntry).join(',')}]}`
      const answer = await link.persist({ method: 'POST', path, body, isRepeatable: true, signal: stopping.signal })
      tell(batch, answer.body)
    } catch (error) {
      if (stopping.signal.aborted) return
      await sendRefused(batch, error)
    }
  }

  /** The call as a whole was refused: halves are tried, until the one result that cannot be taken stands alone. */
  async function sendRefused(batch: readonly Entry[], error: unknown): Promise<void> {
    const [only] = batch
    if (batch.length > 1 || only === undefined) {
      const middle = Math.ceil(batch.length / 2)
      await send(batch.slice(0, middle))
      await send(batch.slice(middle))
      return
    }
    const why = error instanceof Error ? error.message : String(error)
    const code = error instanceof ApiError ? error.code : 'unexpected'
    logger.error({ taskId: only.lease.taskId, code }, `The outcome of task ${only.lease.taskId} was refused. ${why}`)
    if (only.outcome.isLastResort) {
      // Nothing can be said of this task; its lease will run out.
      onVerdict([only.lease])
      return
    }
    const outcome = encodeFailure({
      code: 'result_invalid',
      message: `The outcome was refused: ${why}`,
      isRetryable: false,
    })
    await send([{ lease: only.lease, outcome: { ...outcome, isLastResort: true } }])
  }

  function tell(batch: readonly Entry[], body: unknown): void {
    // The contract of the call: a verdict each, in the same order.
    const verdicts = (body as Partial<SettleReply> | null)?.results ?? []
    for (const [at, { lease }] of batch.entries()) {
      const verdict: SettleVerdict | undefined = verdicts[at]?.verdict
      const detail = verdicts[at]?.detail
      if (detail !== undefined)
        logger.warn({ taskId: lease.taskId }, `The result of task ${lease.taskId} was not kept. ${detail}`)
      if (verdict !== 'applied') {
        logger.warn(
          { taskId: lease.taskId, epoch: lease.epoch, verdict },
          `The outcome of task ${lease.taskId} came too late: its lease had passed on.`,
        )
      }
    }
    onVerdict(batch.map(entry => entry.lease))
  }

  return Object.freeze<SettleLine>({
    add,
    size: () => line.length + underWay,
    whenEmpty: () => {
      if (!isBusy) return Promise.resolve()
      return new Promise(resolve => {
        waiting.push(resolve)
      })
    },
    stop: () => stopping.abort(),
  })
}

function describeEntry({ lease, outcome }: Entry): string {
  return `{"task_id":${JSON.stringify(lease.taskId)},"epoch":${lease.epoch},${outcome.text}}`
}

function countThatFit(line: readonly Entry[]): number {
  let bytes = 0
  let count = 0
  for (const { outcome } of line) {
    // Short texts dominate; counting their bytes as three a character costs nothing and bounds enough.
    bytes +=
      entryOverheadBytes + (outcome.text.length > 4_096 ? Buffer.byteLength(outcome.text) : outcome.text.length * 3)
    if (count > 0 && (bytes > batchBytesMax || count === limits.settleResultsMax)) break
    count += 1
  }
  return count
}
