// What the peers need, what of it is there, and how it comes here: npm packages by `npm ci`, servers by `apt-get` where
// that can be done. What an installation of a server would start is not started: the bench runs servers of its own.
import { execFileSync, spawnSync } from 'node:child_process'
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { own } from './processes.mjs'

const folder = import.meta.dirname

/** Each need: Debian's packages for it, and `find`, which gives what a peer has to know and the version, or null. */
const needs = {
  redis: { packages: ['redis-server'], find: findRedis },
  postgres: { packages: ['postgresql'], find: findPostgres },
  rabbitmq: { packages: ['rabbitmq-server'], find: findRabbit },
  celery: { packages: ['python3-celery', 'python3-redis'], find: findCelery },
}

/**
 * @param wanted names of needs
 * @param mayInstall whether system packages may be installed
 * @returns for each name what was found, or `{ why }`, a sentence without a stop
 */
export async function prepareServers(wanted, { mayInstall }) {
  const found = {}
  for (const name of wanted) {
    const { packages, find } = needs[name]
    let failure = null
    // One by one, so that a package that cannot be had takes no other peer with it.
    if (find() === null) failure = await install(packages, mayInstall)
    found[name] = find() ?? { why: `${packages.join(' and ')} not installed${failure === null ? '' : `: ${failure}`}` }
  }
  return found
}

/** @returns null, or why the packages cannot be had */
export function prepareNpmPackages() {
  const lock = readFileSync(join(folder, 'package-lock.json'), 'utf8')
  const stamp = join(folder, 'node_modules', '.installed-lock')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return null
  console.error('Installing the npm packages of the peers into bench/peers/node_modules (npm ci).')
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error']
  const { status, error } = spawnSync('npm', ['ci', '--prefix', folder, ...flags], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) return `npm ci --prefix bench/peers failed${error === undefined ? '' : `: ${error.message}`}`
  writeFileSync(stamp, lock)
  return null
}

export function npmVersion(name) {
  return JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version
}

/** @returns null, or why not */
async function install(packages, mayInstall) {
  if (!mayInstall) return '--no-install was given'
  if (process.getuid?.() !== 0 || onPath('apt-get') === null)
    return 'only as root on Debian does the bench do that itself'
  console.error(`Installing ${packages.join(' ')} with apt-get; services are not started.`)
  const allowServices = denyServices()
  try {
    if (!aptGet('install', ...packages) && !(aptGet('update') && aptGet('install', ...packages)))
      return 'apt-get failed'
  } finally {
    await allowServices()
  }
  if (existsSync('/run/systemd/system'))
    console.error('What has a service starts it with the next boot, unless you disable it (systemctl disable NAME).')
  return null
}

function aptGet(...args) {
  const { status } = spawnSync('apt-get', ['-y', '-qq', '--no-install-recommends', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  return status === 0
}

/** Debian asks this program before a package starts its service; 101 forbids it. @returns a function that undoes it */
function denyServices() {
  const policy = '/usr/sbin/policy-rc.d'
  const aside = `${policy}.before-bench`
  const had = existsSync(policy)
  if (had) renameSync(policy, aside)
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  return own(async () => {
    if (had) renameSync(aside, policy)
    else rmSync(policy)
  })
}

function findRedis() {
  const program = onPath('redis-server')
  if (program === null) return null
  return { program, version: `Redis ${versionOf(program, '--version', /v=([\d.]+)/)}` }
}

function findPostgres() {
  const debian = '/usr/lib/postgresql'
  const installed = existsSync(debian) ? readdirSync(debian).sort((one, other) => Number(other) - Number(one)) : []
  const onThePath = onPath('postgres')
  const places = [...installed.map(version => join(debian, version, 'bin')), ...(onThePath ? [dirname(onThePath)] : [])]
  const programs = places.find(place => isProgram(join(place, 'postgres')) && isProgram(join(place, 'initdb')))
  if (programs === undefined) return null
  const owner = process.getuid?.() === 0 ? userNamed('postgres') : null
  if (process.getuid?.() === 0 && owner === null) return null
  const version = versionOf(join(programs, 'postgres'), '--version', /([\d.]+)/)
  return { folder: programs, owner, version: `PostgreSQL ${version}` }
}

function findRabbit() {
  // Debian's program on the path insists on a user and a folder of its own; the one behind it does not.
  const debian = '/usr/lib/rabbitmq/bin/rabbitmq-server'
  const server = isProgram(debian) ? debian : onPath('rabbitmq-server')
  const epmd = onPath('epmd')
  if (server === null || epmd === null) return null
  const libraries = join(dirname(dirname(server)), 'lib')
  const named = existsSync(libraries) ? readdirSync(libraries).find(name => name.startsWith('rabbitmq_server-')) : null
  return { server, epmd, version: `RabbitMQ ${named?.slice('rabbitmq_server-'.length) ?? 'of unknown version'}` }
}

function findCelery() {
  const program = 'import celery, redis, platform; print(celery.__version__, platform.python_version())'
  // A Python of one's own may come first on the path and lack what Debian's has.
  for (const python of [onPath('python3'), '/usr/bin/python3']) {
    if (python === null || !isProgram(python)) continue
    const { status, stdout } = spawnSync(python, ['-c', program], { encoding: 'utf8' })
    if (status !== 0) continue
    const [celery, version] = stdout.trim().split(' ')
    return { python, version: `Celery ${celery} on Python ${version}` }
  }
  return null
}

function userNamed(name) {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find(each => each.startsWith(`${name}:`))
  if (line === undefined) return null
  const [, , uid, gid] = line.split(':')
  return { uid: Number(uid), gid: Number(gid) }
}

function versionOf(program, flag, pattern) {
  return pattern.exec(execFileSync(program, [flag], { encoding: 'utf8' }))?.[1] ?? 'of unknown version'
}

function onPath(name) {
  const places = (process.env.PATH ?? '').split(':').filter(place => place !== '')
  return places.map(place => join(place, name)).find(isProgram) ?? null
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
