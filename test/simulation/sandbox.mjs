import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..', '..')

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

/** Brings the rare path into short stories: children that are left over to a sweep. */
const smallBounds = {
  file: 'packages/protocol/src/limits.ts',
  find: 'releasedInTransactionMax: 1_000,',
  replace: 'releasedInTransactionMax: 3,',
}

/**
 * A copy of the sources in a temporary folder, with some texts replaced: each must be there exactly once. A night's run
 * works on such a copy too, so that editing goes on beside it.
 */
export function createSandbox(replacements = []) {
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
export function replaceOnce(text, { file, find, replace }) {
  const count = text.split(find).length - 1
  if (count !== 1) throw new Error(`${file} holds this ${count} times instead of once; mend the mutant: ${find}`)
  return text.replace(find, () => replace)
}

/** How Node runs the night's work inside a sandbox. */
export function nightCommand(folder, flags) {
  const tsx = import.meta.resolve('tsx')
  return ['--import', tsx, '--conditions=@tasklane/source', join(folder, 'test', 'simulation', 'night.ts'), ...flags]
}
