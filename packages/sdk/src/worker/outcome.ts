import { limits } from '@tasklane/protocol'
import { PermanentError, RetryAfter } from '../errors.ts'
import { encodeJson, storableText } from '../json-encode.ts'

/** How an attempt ended, as the inside of a settle entry: JSON members without their braces. */
export interface OutcomeText {
  readonly text: string
  /** There is nothing simpler left to say, should this be refused. */
  readonly isLastResort?: boolean
}

export const released: OutcomeText = Object.freeze({ text: '"outcome":"released"' })

const completedWithNull: OutcomeText = Object.freeze({ text: '"outcome":"completed","result":null' })

/** The handler returned. A value that cannot be kept fails the task for good: another try would return it again. */
export function encodeResult(value: unknown): OutcomeText {
  if (value === undefined || value === null) return completedWithNull
  const encoded = encodeJson(value, 'result')
  if ('fault' in encoded) return encodeFailure({ code: 'result_invalid', message: encoded.fault, isRetryable: false })
  return { text: `"outcome":"completed","result":${encoded.text}` }
}

/** The handler threw. Never throws itself, whatever that was: handlers throw what libraries of all kinds made. */
export function encodeThrown(thrown: unknown): OutcomeText {
  try {
    return encodeReadable(thrown)
  } catch {
    // Its own getters or traps throw.
    return encodeFailure({ code: 'error', message: 'The handler threw something that cannot be read.' })
  }
}

function encodeReadable(thrown: unknown): OutcomeText {
  const message = messageOf(thrown)
  const stack = stackOf(thrown)
  const failure = { code: codeOf(thrown), message, ...(stack === null ? {} : { stack }) }
  // By name too: an application may hold two copies of this package.
  if (
    thrown instanceof PermanentError ||
    nameOf(thrown) === 'PermanentError' ||
    nameOf(thrown) === 'InputInvalidError'
  ) {
    return encodeFailure({ ...failure, isRetryable: false })
  }
  const seconds = retryAfterOf(thrown)
  return encodeFailure(seconds === null ? failure : { ...failure, retryAfterSeconds: seconds })
}

export interface Failure {
  readonly code: string
  readonly message: string
  readonly stack?: string
  /** True if absent. */
  readonly isRetryable?: boolean
  readonly retryAfterSeconds?: number
}

export function encodeFailure({ code, message, stack, isRetryable, retryAfterSeconds }: Failure): OutcomeText {
  const error = {
    code,
    message: storableText(message, messageCharsMax),
    ...(stack === undefined ? {} : { stack: storableText(stack, stackCharsMax) }),
  }
  const retryable = isRetryable === false ? ',"retryable":false' : ''
  const after =
    retryAfterSeconds === undefined ? '' : `,"retry_after":${Math.min(retryAfterSeconds, limits.delaySecondsMax)}`
  return { text: `"outcome":"failed","error":${JSON.stringify(error)}${retryable}${after}` }
}

/** Both together stay below `limits.errorBytesMax` for text that is mostly ASCII; the scheduler cuts the rest. */
const messageCharsMax = 16_384
const stackCharsMax = 32_768
const causesMax = 5
const safeCode = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}$/

function codeOf(thrown: unknown): string {
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined
  if (typeof code === 'string' && safeCode.test(code)) return code
  const name = nameOf(thrown)
  return name !== null && safeCode.test(name) ? name : 'error'
}

function nameOf(thrown: unknown): string | null {
  return thrown instanceof Error && typeof thrown.name === 'string' ? thrown.name : null
}

function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) {
    const message = textOr(thrown.message, '')
    return message === '' ? textOr(thrown.name, 'Error') : message
  }
  if (typeof thrown === 'string') return thrown
  const encoded = encodeJson(thrown, 'result')
  return 'text' in encoded ? `The handler threw ${encoded.text}.` : 'The handler threw something that is no Error.'
}

/** An Error's fields are strings by convention only; anybody may assign anything. */
function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise
}

function stackOf(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || typeof thrown.stack !== 'string') return null
  let stack = thrown.stack
  let cause: unknown = thrown.cause
  for (let depth = 0; depth < causesMax && cause instanceof Error; depth += 1) {
    stack += `\nCaused by: ${textOr(cause.stack, messageOf(cause))}`
    cause = cause.cause
  }
  return stack
}

function retryAfterOf(thrown: unknown): number | null {
  if (!(thrown instanceof RetryAfter) && nameOf(thrown) !== 'RetryAfter') return null
  const seconds = thrown instanceof Error && 'seconds' in thrown ? thrown.seconds : null
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0 ? seconds : null
}
