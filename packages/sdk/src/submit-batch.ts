import { type BatchReceipt, type BatchReply, limits, problems } from '@tasklane/protocol'
import { ApiError, UnexpectedReplyError } from './errors.ts'
import type { EncodedSubmission } from './submission.ts'
import type { Transport } from './transport.ts'

/** What became of one submission of a batch. */
export type Receipt =
  | (BatchReceipt & { readonly outcome: 'created' | 'existing'; readonly task_id: string })
  | { readonly outcome: 'refused'; readonly task_id: string | null; readonly refusal: ApiError }

/** Half of what a body may hold, so that a batch of middling payloads is one short request. */
export const batchBytesMax = limits.bodyBytesMax / 2

/**
 * One `POST /api/tasks/batch`; receipts come in the order of the submissions. Repeating it is safe, since every task
 * has an id or an idempotency key.
 *
 * @throws ApiError when the call as a whole is refused, and what `Transport.call` throws
 */
export async function submitBatch(
  transport: Transport,
  submissions: readonly EncodedSubmission[],
  isAtomic: boolean,
  signal?: AbortSignal,
): Promise<readonly Receipt[]> {
  const { body } = await transport.call({
    method: 'POST',
    path: '/api/tasks/batch',
    body: `{"atomic":${isAtomic},"tasks":[${submissions.map(each => each.text).join(',')}]}`,
    isRepeatable: true,
    signal,
  })
  // The contract of the call; the length is checked because receipts are matched to callers by their place.
  const receipts = (body as Partial<BatchReply> | null)?.tasks
  if (receipts?.length !== submissions.length) {
    throw new UnexpectedReplyError(
      `${submissions.length} tasks were submitted and ${receipts?.length ?? 'no'} receipts came back; is this a Tasklane scheduler?`,
    )
  }
  return receipts.map(readReceipt)
}

/**
 * The same, but where the request as a whole is refused for what is in it, halves are tried, so that one caller's
 * mistake stays its own.
 */
export async function submitEach(
  transport: Transport,
  submissions: readonly EncodedSubmission[],
): Promise<readonly Receipt[]> {
  try {
    return await submitBatch(transport, submissions, false)
  } catch (error) {
    if (!(error instanceof ApiError) || !blamesContent(error)) throw error
    const [only] = submissions
    if (submissions.length === 1 && only !== undefined) {
      return [{ outcome: 'refused', task_id: only.taskId, refusal: error }]
    }
    const middle = Math.ceil(submissions.length / 2)
    const first = await submitEach(transport, submissions.slice(0, middle))
    return [...first, ...(await submitEach(transport, submissions.slice(middle)))]
  }
}

function blamesContent(error: ApiError): boolean {
  return error.status === 400 || error.status === 413 || error.status === 422
}

function readReceipt(receipt: BatchReceipt): Receipt {
  if (receipt.outcome !== 'refused' && receipt.task_id !== null) {
    return { ...receipt, outcome: receipt.outcome, task_id: receipt.task_id }
  }
  const code = receipt.error?.code ?? 'internal_error'
  const known: Readonly<Record<string, { readonly status: number }>> = problems
  const refusal = new ApiError({
    status: known[code]?.status ?? 422,
    code,
    detail: receipt.error?.detail ?? 'The task was refused without a reason.',
  })
  return { outcome: 'refused', task_id: receipt.task_id, refusal }
}
