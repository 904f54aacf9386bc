import { statfs } from 'node:fs/promises'
import { cpus, freemem, totalmem } from 'node:os'
import type { SystemInfo } from '@tasklane/protocol'
import type { Clock } from '../clock.ts'
import { builtOn } from '../version.ts'

/** Looking at the machine costs about a millisecond; more often than this nobody needs it. */
const gapMs = 2_000

/**
 * What the worker is built on, and how busy its machine is, in per cent: processors since the last look, memory, and the
 * disk of the working folder.
 * What the platform does not tell is left out. The disk is looked at in the background and told with the next call.
 */
export function createSystemInfo(clock: Clock): () => SystemInfo {
  let lastMs = Number.NEGATIVE_INFINITY
  let last: SystemInfo = {}
  let disk: number | null = null
  let before = processorTimes()

  return () => {
    const now = clock.monotonic()
    if (now - lastMs < gapMs) return last
    lastMs = now
    void readDisk().then(usage => {
      disk = usage
    })
    const times = processorTimes()
    const total = times.total - before.total
    const busy = times.busy - before.busy
    before = times
    last = {
      sdk: builtOn,
      ...(total > 0 ? { cpu_usage: percent(busy / total) } : {}),
      memory_usage: percent(1 - freemem() / totalmem()),
      ...(disk === null ? {} : { disk_usage: disk }),
    }
    return last
  }
}

function processorTimes(): { readonly busy: number; readonly total: number } {
  let busy = 0
  let total = 0
  for (const { times } of cpus()) {
    const working = times.user + times.nice + times.sys + times.irq
    busy += working
    total += working + times.idle
  }
  return { busy, total }
}

async function readDisk(): Promise<number | null> {
  try {
    const { blocks, bfree, bavail } = await statfs(process.cwd())
    // As df counts: blocks kept for root are not there for anybody else.
    const used = blocks - bfree
    return used + bavail > 0 ? percent(used / (used + bavail)) : null
  } catch {
    return null
  }
}

function percent(share: number): number {
  return Math.round(Math.min(1, Math.max(0, share)) * 1_000) / 10
}
