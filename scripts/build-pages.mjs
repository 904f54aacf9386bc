// Builds the pages into the server's package, only when something they are made of has changed: `npm start`, `npm test`
// and `npm run demo` all pass by here.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const pages = join(root, 'packages/dashboard')
const out = join(root, 'packages/server/dashboard')
// Not among the pages, which are served as they are.
const stamp = join(pages, 'dist/.pages')

const wanted = fingerprint()
if (existsSync(join(out, 'index.html')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) process.exit(0)

const vite = join(root, 'node_modules/vite/bin/vite.js')
const built = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'error'], {
  cwd: pages,
  stdio: 'inherit',
  // What a test run says of itself would be built in: React for development, half as large again.
  env: { ...process.env, NODE_ENV: 'production' },
})
if (built.status !== 0) process.exit(built.status ?? 1)
mkdirSync(join(pages, 'dist'), { recursive: true })
writeFileSync(stamp, wanted)

/** Of all sources, and of the lock file, which says which libraries go in. */
function fingerprint() {
  const hash = createHash('sha256')
  const files = [
    ...['src', 'public'].flatMap(folder => filesOf(join(pages, folder))),
    ...['index.html', 'vite.config.ts', 'package.json'].map(file => join(pages, file)),
    ...filesOf(join(root, 'packages/protocol/src')),
    join(root, 'package-lock.json'),
  ]
  for (const file of files)
    hash
      .update(`${relative(root, file)}\0`)
      .update(readFileSync(file))
      .update('\0')
  return hash.digest('hex')
}

function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
}
