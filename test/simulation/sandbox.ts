import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

export const root = resolve(import.meta.dirname, '..', '..')

/** What a simulation needs of the repository. */
const parts = [
  'package.json',
  'packages/protocol/package.json',
  'packages/protocol/src',
  'packages/server/package.json',
  'packages/server/src',
  'packages/server/test/support',
  'test/simulation',
]

/** `find` stands in the file exactly once. Paths are relative to the repository. */
export interface Replacement {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** Brings the rare path into short stories: children that are left over to a sweep. */
const smallBounds: Replacement = {
  file: 'packages/protocol/src/limits.ts',
  find: 'releasedInTransactionMax: 1_000,',
  replace: 'releasedInTransactionMax: 3,',
}

export interface Sandbox {
  readonly folder: string
  remove(): void
}

/**
 * A copy of the sources in a temporary folder, with some texts replaced: each must be there exactly once. A night's run
 * works on such a copy too, so that editing goes on beside it.
 */
export function createSandbox(replacements: readonly Replacement[] = []): Sandbox {
  const folder = mkdtempSync(join(tmpdir(), 'tasklane-sandbox-'))
  for (const part of parts) cpSync(join(root, part), join(folder, part), { recursive: true })
  mkdirSync(join(folder, 'node_modules', '@tasklane'), { recursive: true })
  symlinkSync(join(folder, 'packages', 'protocol'), join(folder, 'node_modules', '@tasklane', 'protocol'), 'dir')
  symlinkSync(join(root, 'node_modules', '@photostructure'), join(folder, 'node_modules', '@photostructure'), 'dir')
  for (const { file, find, replace } of [smallBounds, ...replacements]) {
    const path = join(folder, file)
    writeFileSync(path, replaceOnce(readFileSync(path, 'utf8'), { file, find, replace }))
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** The text with the replacement made. Throws where what is to be replaced is not there exactly once. */
export function replaceOnce(text: string, { file, find, replace }: Replacement): string {
  const count = text.split(find).length - 1
  if (count !== 1) throw new Error(`${file} holds this ${count} times instead of once; mend the mutant: ${find}`)
  return text.replace(find, () => replace)
}

/** How Node runs the night's work inside a sandbox. */
export function nightCommand(folder: string, flags: readonly string[]): readonly string[] {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  return ['--import', tsx, '--conditions=@tasklane/source', join(folder, 'test', 'simulation', 'night.ts'), ...flags]
}
