import { join } from 'node:path'
import { root } from '../support/processes.ts'
import { findOrInstall, programOnPath } from '../support/servers/find-or-install.ts'

/** The clients are programs in Python, with nothing but its standard library. */
export const python = await findOrInstall({
  name: 'Python 3',
  packages: ['python3'],
  find: () => programOnPath('python3', 'python'),
})

export const curl = await findOrInstall({ name: 'curl', packages: ['curl'], find: () => programOnPath('curl') })

export function client(name: string): string {
  return join(root, 'test/dialects/clients', name)
}
