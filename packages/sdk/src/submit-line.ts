import { limits } from '@tasklane/protocol'
import type { Clock } from './clock.ts'
import { UsageError } from './errors.ts'
import type { EncodedSubmission } from './submission.ts'
import { batchBytesMax, type Receipt, submitEach } from './submit-batch.ts'
import type { Transport } from './transport.ts'

/**
 * Gathers single submits into batches without making any of them wait for company: when nothing is under way, what was
 * submitted in this turn of the event loop goes at once; what arrives meanwhile goes together when the answer is there.
 * One batch at a time, so that a child submitted after its parent never overtakes it.
 */
export interface SubmitLine {
  /** @throws ApiError this task's own refusal, what `Transport.call` throws, or the signal's reason */
  submit(submission: EncodedSubmission, signal?: AbortSignal): Promise<AcceptedReceipt>
  /** Refuses what comes from now on; resolves when everything accepted before has its answer. */
  close(): Promise<void>
}

export type AcceptedReceipt = Exclude<Receipt, { outcome: 'refused' }>

interface Waiting {
  readonly submission: EncodedSubmission
  readonly resolve: (receipt: AcceptedReceipt) => void
  readonly reject: (error: unknown) => void
  isGone: boolean
}

export function createSubmitLine(transport: Transport, clock: Clock): SubmitLine {
  let line: Waiting[] = []
  let isBusy = false
  let isClosed = false
  let closers: (() => void)[] = []

  function submit(submission: EncodedSubmission, signal?: AbortSignal): Promise<AcceptedReceipt> {
    if (isClosed) return Promise.reject(new UsageError('The client is closed; make a new one.'))
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        // Before it is sent it is taken out; afterwards only the caller stops waiting, the task may exist.
        waiting.isGone = true
        reject(signal?.reason)
      }
      const waiting: Waiting = {
        submission,
        isGone: false,
        resolve: receipt => {
          signal?.removeEventListener('abort', leave)
          resolve(receipt)
        },
        reject: error => {
          signal?.removeEventListener('abort', leave)
          reject(error)
        },
      }
      signal?.addEventListener('abort', leave, { once: true })
      line.push(waiting)
      if (isBusy) return
      isBusy = true
      clock.soon(() => void sendAll())
    })
  }

  async function sendAll(): Promise<void> {
    for (let batch = takeBatch(); batch.length > 0; batch = takeBatch()) await send(batch)
    isBusy = false
    for (const resolve of closers) resolve()
    closers = []
  }

  function takeBatch(): readonly Waiting[] {
    line = line.filter(waiting => !waiting.isGone)
    const count = countThatFit(line.map(waiting => waiting.submission))
    return line.splice(0, count)
  }

  async function send(batch: readonly Waiting[]): Promise<void> {
    try {
      const receipts = await submitEach(
        transport,
        batch.map(waiting => waiting.submission),
      )
      for (const [at, waiting] of batch.entries()) {
        const receipt = receipts[at]
        if (receipt === undefined) waiting.reject(new UsageError('A receipt is missing.'))
        else if (receipt.outcome === 'refused') waiting.reject(receipt.refusal)
        else waiting.resolve(receipt)
      }
    } catch (error) {
      for (const waiting of batch) waiting.reject(error)
    }
  }

  function close(): Promise<void> {
    isClosed = true
    if (!isBusy) return Promise.resolve()
    return new Promise(resolve => {
      closers.push(resolve)
    })
  }

  return Object.freeze<SubmitLine>({ submit, close })
}

/** How many of the first submissions make one request: 1,000 at most, bounded in bytes, never none of some. */
export function countThatFit(submissions: readonly EncodedSubmission[]): number {
  let bytes = 0
  let count = 0
  for (const { text } of submissions) {
    bytes += Buffer.byteLength(text) + 1
    if (count > 0 && (bytes > batchBytesMax || count === limits.batchTasksMax)) break
    count += 1
  }
  return count
}
