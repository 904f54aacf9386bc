import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { SignalName } from '../host.ts'

/** As shells have it: 128 and the signal's number. */
export function exitCodeOfSignal(name: SignalName): ExitCode {
  return name === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated
}

/** Resolves when the signal is aborted; never rejects. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
