import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves after the time, or when the run is called off: then nothing is worth waiting for. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {})
}

/** Looks until it holds. False where the time was up or the run called off first. */
export async function holds(
  look: () => boolean | Promise<boolean>,
  withinMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const endsAt = performance.now() + withinMs
  while (!signal.aborted) {
    if (await look()) return true
    if (performance.now() > endsAt) return false
    await pause(25, signal)
  }
  return false
}

export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000
}
