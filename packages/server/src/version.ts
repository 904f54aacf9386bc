import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
// The package's own manifest: one place for the version, and it is always installed beside dist/.
const manifest = require('../package.json') as { readonly version: string }

export const version: string = manifest.version
