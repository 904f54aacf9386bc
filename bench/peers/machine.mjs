import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'

export function describeMachine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  }
}

/**
 * How much of one core others use, in percent, watched while nothing of the bench runs. A disturbed sample is noted, not
 * dropped: the reader decides.
 * @returns null where the system does not tell
 */
export async function foreignLoad(watchMs = 300) {
  const before = busyTicks()
  if (before === null) return null
  const began = performance.now()
  await new Promise(resume => setTimeout(resume, watchMs))
  const ticks = busyTicks() - before
  // The kernel counts in hundredths of a second.
  return ((ticks * 10) / (performance.now() - began)) * 100
}

function busyTicks() {
  try {
    const [, user, nice, system, , , irq, softIrq, steal] = readFileSync('/proc/stat', 'utf8')
      .split('\n')[0]
      .split(/\s+/)
    return [user, nice, system, irq, softIrq, steal].reduce((sum, ticks) => sum + Number(ticks), 0)
  } catch {
    return null
  }
}
