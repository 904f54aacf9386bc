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
 *
 * A call that is about to go can carry a claim: one request where there were two, and a child that the results release
 * comes back in the reply. A scheduler that does not know of it refuses the call; it is then sent again without.
 */
export interface SettleLine {
  add(lease: Lease, outcome: OutcomeText): void
  /**
   * Takes the claim along, where a call goes in this turn of the event loop; null where none does.
   * @param claim JSON text @returns the reply's body, or null where the claim has to be asked by itself; never rejects
   */
  carry(claim: string): Promise<unknown> | null
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

/** A claim that goes along. */
interface Rider {
  readonly claim: string
  answer(body: unknown): void
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
  let isAboutToSend = false
  let rider: Rider | null = null
  let mayCarry = true
  let waiting: (() => void)[] = []

  function add(lease: Lease, outcome: OutcomeText): void {
    line.push({ lease, outcome })
    if (isBusy || stopping.signal.aborted) return
    isBusy = true
    isAboutToSend = true
    clock.soon(() => void sendAll())
  }

  function carry(claim: string): Promise<unknown> | null {
    if (!isAboutToSend || !mayCarry || rider !== null) return null
    return new Promise(resolve => {
      rider = { claim, answer: resolve }
    })
  }

  async function sendAll(): Promise<void> {
    isAboutToSend = false
    while (line.length > 0 && !stopping.signal.aborted) {
      const batch = line.splice(0, countThatFit(line))
      underWay = batch.length
      const taken = rider
      rider = null
      if (taken === null) await send(batch)
      else await sendWith(taken, batch)
      underWay = 0
    }
    // The line was stopped before its call went.
    rider?.answer(null)
    isBusy = false
    for (const resolve of waiting) resolve()
    waiting = []
  }

  async function send(batch: readonly Entry[]): Promise<void> {
    try {
      tell(batch, await call(`{"results":${describeAll(batch)}}`))
    } catch (error) {
      if (stopping.signal.aborted) return
      await sendRefused(batch, error)
    }
  }

  async function sendWith({ claim, answer }: Rider, batch: readonly Entry[]): Promise<void> {
    let body: unknown
    try {
      body = await call(`{"results":${describeAll(batch)},"claim":${claim}}`)
    } catch (error) {
      answer(null)
      if (stopping.signal.aborted) return
      // Either a result or the claim cannot be read; if it is the claim, no other one can.
      if (error instanceof ApiError && error.code === 'validation_failed') mayCarry = false
      await send(batch)
      return
    }
    tell(batch, body)
    answer(body)
  }

  async function call(body: string): Promise<unknown> {
    const answer = await link.persist({ method: 'POST', path, body, isRepeatable: true, signal: stopping.signal })
    return answer.body
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
    carry,
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

function describeAll(batch: readonly Entry[]): string {
  return `[${batch.map(describeEntry).join(',')}]`
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
