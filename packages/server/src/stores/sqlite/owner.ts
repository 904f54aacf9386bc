import { readFileSync, rmSync, writeFileSync } from 'node:fs'

/**
 * A word to people, beside the database: which process owns it. Advisory only. The right to the file is the
 * operating system's lock, which dies with its process; this note may be missing, or left over from a killed owner.
 */
export interface Owner {
  readonly pid: number
  /** RFC 3339. */
  readonly since: string
}

export function writeOwner(file: string, owner: Owner): void {
  try {
    writeFileSync(ownerFile(file), `${JSON.stringify(owner)}\n`)
  } catch {
    // Only the wording of another process's refusal depends on it.
  }
}

export function readOwner(file: string): Owner | null {
  try {
    const value: unknown = JSON.parse(readFileSync(ownerFile(file), 'utf8'))
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('since' in value)) return null
    return typeof value.pid === 'number' && typeof value.since === 'string'
      ? { pid: value.pid, since: value.since }
      : null
  } catch {
    return null
  }
}

export function removeOwner(file: string): void {
  try {
    rmSync(ownerFile(file), { force: true })
  } catch {
    // The next owner overwrites it.
  }
}

function ownerFile(file: string): string {
  return `${file}-owner.json`
}
