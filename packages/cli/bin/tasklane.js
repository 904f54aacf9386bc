#!/usr/bin/env node
// The committed entry of the command: npm links a bin only when it exists at install, and dist/ does not yet.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const main = new URL('../dist/main.js', import.meta.url)
if (!existsSync(fileURLToPath(main))) {
  process.stderr.write('tasklane: this checkout is not built yet. Run `npm run build` first.\n')
  process.exit(1)
}
await import(main.href)
