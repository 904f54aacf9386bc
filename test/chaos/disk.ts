import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** The small disk that the database lives on. */
export interface Disk {
  readonly folder: string
  /** Takes all the room there is. May be called again, to take what has become free. */
  fill(): void
  free(): void
  unmount(): void
}

/** The log is copied back and used again at 40 MB, and each full disk leaves about as much in accepted tasks. */
const diskMiB = 160
const diskMiBEachTime = 50

/**
 * A tmpfs of its own, or null and why not: that takes root and the right to mount.
 * @param times it will be filled
 */
export function mountDisk(folder: string, times: number): { readonly disk: Disk | null; readonly why: string } {
  mkdirSync(folder)
  const sizeMiB = diskMiB + diskMiBEachTime * times
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m,mode=0700`, 'tasklane-chaos', folder])
  if (mounted.status !== 0) {
    const reason = mounted.error?.message ?? String(mounted.stderr).trim()
    return { disk: null, why: reason === '' ? `mount ended with ${mounted.status}` : reason }
  }
  const ballast = join(folder, 'ballast')
  return {
    why: '',
    disk: Object.freeze<Disk>({
      folder,
      fill: () => appendUntilFull(ballast, sizeMiB * 1_048_576),
      free: () => rmSync(ballast, { force: true }),
      unmount: () => {
        // Lazily, should somebody still look at it: it is gone from here at once, and altogether when they leave.
        if (spawnSync('umount', [folder]).status !== 0) spawnSync('umount', ['-l', folder])
        rmdirSync(folder)
      },
    }),
  }
}

function appendUntilFull(file: string, bytesMax: number): void {
  const fd = openSync(file, 'a')
  try {
    for (const bytes of [1_048_576, 4_096, 1]) writeUntilFull(fd, Buffer.alloc(bytes), bytesMax)
  } finally {
    closeSync(fd)
  }
}

function writeUntilFull(fd: number, block: Buffer, bytesMax: number): void {
  for (let written = 0; written <= bytesMax; written += block.length) {
    try {
      if (writeSync(fd, block) < block.length) return
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return
      throw error
    }
  }
}
