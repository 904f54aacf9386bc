// Checks the house: imports only go down a floor, each library stays in its folder, time and chance stay behind the
// clock, and files stay readable. Cycles are found by the linters. Prints every fault and exits with 1 if there is one.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'

const root = resolve(import.meta.dirname, '..')

// The floors of the server, lowest first. A folder may import only from lower floors, and from itself.
const serverFloors = [
  ['core'],
  ['ports'],
  ['engine', 'stores/memory', 'stores/sqlite', 'stores/postgres', 'brokers/local', 'brokers/postgres', 'couriers/http'],
  ['http'],
  [
    'config.ts',
    'config',
    'reset-admin.ts',
    'worker-token.ts',
    'system-clock.ts',
    'compose.ts',
    'main.ts',
    'index.ts',
    'version.ts',
    'migrations.ts',
    'moving',
    'database-error.ts',
  ],
]

const workspaceMayImport = {
  protocol: [],
  server: ['protocol'],
  sdk: ['protocol'],
  cli: ['protocol', 'sdk', 'server'],
  // The pages speak to the scheduler over HTTP only.
  dashboard: ['protocol'],
}

// Each library and the only places that may name it.
const libraryPlaces = {
  fastify: ['packages/server/src/http'],
  '@fastify/swagger': ['packages/server/src/http'],
  '@fastify/swagger-ui': ['packages/server/src/http'],
  jose: ['packages/server/src/http/auth'],
  '@node-rs/argon2': ['packages/server/src/http/auth'],
  '@fastify/helmet': ['packages/server/src/http/edge/page-headers.ts'],
  '@fastify/static': ['packages/server/src/http/dashboard.ts'],
  ajv: ['packages/server/src/http'],
  'ajv-formats': ['packages/server/src/http'],
  'prom-client': ['packages/server/src/http'],
  '@photostructure/sqlite': ['packages/server/src/stores/sqlite/database.ts'],
  pg: ['packages/server/src/stores/postgres/database.ts', 'packages/server/src/brokers/postgres/postgres-broker.ts'],
  pino: ['packages/server/src/compose.ts', 'packages/server/src/http'],
  'pino-pretty': ['packages/server/src/compose.ts'],
  commander: ['packages/cli/src'],
  '@bomb.sh/tab': ['packages/cli/src'],
  tsx: ['packages/cli/src'],
  react: ['packages/dashboard/src'],
  'react-dom': ['packages/dashboard/src'],
  'radix-ui': ['packages/dashboard/src'],
  'lucide-react': ['packages/dashboard/src'],
  '@tanstack/react-query': ['packages/dashboard/src'],
  '@tanstack/react-router': ['packages/dashboard/src'],
  '@tanstack/react-virtual': ['packages/dashboard/src'],
  cmdk: ['packages/dashboard/src/shell/palette.tsx'],
  uplot: ['packages/dashboard/src/charts'],
  // Large, and loaded only with the page of a graph.
  '@xyflow/react': ['packages/dashboard/src/graph'],
  '@dagrejs/dagre': ['packages/dashboard/src/graph'],
}

// Words that belong behind one door each.
const doors = [
  {
    what: /\b(?:Date\.now|performance\.now|setTimeout|setInterval|setImmediate|Math\.random)\b/,
    allowed: [
      'packages/server/src/system-clock.ts',
      'packages/sdk/src/clock.ts',
      'packages/cli/src',
      'packages/dashboard/src',
    ],
    why: 'time and chance come from the clock',
  },
  {
    what: /\bprocess\.env\b/,
    allowed: ['packages/server/src/config.ts', 'packages/sdk/src', 'packages/cli/src'],
    why: 'the environment is read in config.ts',
  },
]

const linesMax = 500
const faults = []

for (const workspace of Object.keys(workspaceMayImport)) {
  for (const file of sources(join(root, 'packages', workspace, 'src'))) check(workspace, file)
}
for (const fault of faults) console.error(fault)
console.error(faults.length === 0 ? 'Floors: every import goes down.' : `Floors: ${faults.length} faults.`)
process.exit(faults.length === 0 ? 0 : 1)

function check(workspace, file) {
  const path = relative(root, file).split(sep).join('/')
  const text = readFileSync(file, 'utf8')
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  for (const [, specifier] of code.matchAll(/(?<![-\w])(?:from|import)\s*\(?\s*'([^'\n]+)'/g)) {
    if (specifier.startsWith('.')) checkRelative(workspace, path, file, specifier)
    else if (!specifier.startsWith('node:')) checkPackage(workspace, path, specifier)
  }
  if (path.endsWith('.test.ts')) return
  for (const { what, allowed, why } of doors) {
    if (what.test(code) && !allowed.some(place => path.startsWith(place)))
      faults.push(`${path}: ${why} (${what.source}).`)
  }
  const lines = text.split('\n').length - 1
  if (lines > linesMax) faults.push(`${path}: ${lines} lines; a file of more than ${linesMax} wants to be two.`)
}

function checkRelative(workspace, path, file, specifier) {
  const target = relative(root, resolve(dirname(file), specifier))
    .split(sep)
    .join('/')
  if (!target.startsWith(`packages/${workspace}/`)) faults.push(`${path}: imports ${target}, outside its package.`)
  if (workspace !== 'server' || path.endsWith('.test.ts')) return
  const from = floorOf(path)
  const to = floorOf(target)
  if (from === null || to === null) faults.push(`${path}: ${from === null ? path : target} stands on no floor.`)
  else if (to.room !== from.room && to.floor >= from.floor && from.floor < serverFloors.length - 1) {
    faults.push(`${path}: ${from.room} may not import ${to.room}; imports go down a floor, never up or sideways.`)
  } else if (to.floor > from.floor) faults.push(`${path}: imports ${target}, a floor above.`)
}

function checkPackage(workspace, path, specifier) {
  const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0]
  if (name.startsWith('@tasklane/')) {
    const other = name.slice('@tasklane/'.length)
    if (!workspaceMayImport[workspace].includes(other)) faults.push(`${path}: ${workspace} may not import ${name}.`)
    return
  }
  if (path.endsWith('.test.ts')) return
  const places = libraryPlaces[name]
  if (places === undefined)
    faults.push(`${path}: imports ${name}, which no place is named for in scripts/check-floors.mjs.`)
  else if (!places.some(place => path.startsWith(place))) {
    faults.push(`${path}: ${name} may be imported in ${places.join(', ')} only.`)
  }
}

function floorOf(path) {
  const inside = path.slice('packages/server/src/'.length)
  for (const [floor, rooms] of serverFloors.entries()) {
    const room = rooms.find(each => inside === each || inside.startsWith(`${each}/`))
    if (room !== undefined) return { floor, room }
  }
  return null
}

function sources(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name))
}
