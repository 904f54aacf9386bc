import { resolve } from 'node:path'
import { limits } from '@tasklane/protocol'
import type { Host } from '../host.ts'
import type { Arguments } from '../input/arguments.ts'
import { readHost, readName, readNumber, readPath } from '../input/values.ts'
import type { PoolWish } from '../pool/wish.ts'
import { readConnection } from '../read-connection.ts'
import { findModuleFault } from '../task-module.ts'
import { jsonOption, type OptionSpec, urlOption } from './command.ts'
import { graceSecondsDefault, readPort, readWorkerFlags, slotsDefault, workerOptions } from './worker-flags.ts'

export const workersDefault = 3
/** What one machine and one supervisor are good for; more is another machine's. */
const workersMax = 256
const prefixDefault = 'worker'
const httpPortDefault = 8_001
export const stateDirDefault = '.tasklane'

export const stateDirOption: OptionSpec = {
  flags: '--state-dir <folder>',
  help: `where the pool keeps process ids and logs (default ${stateDirDefault})`,
}

export const poolOptions: readonly OptionSpec[] = [
  {
    flags: '--prefix <name>',
    help: `names are made of it: worker-1, worker-2, … (WORKER_ID; default ${prefixDefault})`,
  },
  { flags: '--min <n>', help: 'instead of a number: at least so many, and more as tasks wait' },
  { flags: '--max <n>', help: 'and at most so many (MAX_WORKERS)' },
  {
    flags: '--http-port <n>',
    help: `health and metrics of the first worker, of the next on the next port; 0 for any free ones (default ${httpPortDefault})`,
  },
  { flags: '--http-host <address>', help: 'the address of those ports (default 127.0.0.1)' },
  { flags: '--module <file>', help: 'a task module that the workers serve' },
  urlOption,
  ...workerOptions,
  stateDirOption,
  jsonOption,
]

export function readStateDir(input: Arguments, cwd: string): string {
  return resolve(cwd, input.flag('--state-dir', readPath) ?? stateDirDefault)
}

/** What a command line says of a pool; null is nothing, so that what runs can stay as it is. */
export type PoolGiven = Awaited<ReturnType<typeof readPool>>

export async function readPool(input: Arguments, { cwd, env, nowMs }: Pick<Host, 'cwd' | 'env' | 'nowMs'>) {
  const module = input.flag('--module', readPath)
  const fault = module === null ? null : await findModuleFault(module, cwd)
  if (fault !== null) input.fault(fault)
  // Judges the values; what is passed on are the words.
  const worker = readWorkerFlags(input, { cwd, hasModule: module !== null })
  const hasAddress = input.flag('--url', text) !== null || isAnySet(env, ['TASKLANE_URL', 'API_HOST', 'API_PORT'])
  const { urls } = readConnection(input, { env, nowMs })
  if (urls.some(url => hasPassword(url))) {
    input.fault('An address with a password in it would be readable by every user; put a token into TASKLANE_TOKEN.')
  }
  const httpPort = input.flag('--http-port', readPort)
  return {
    stateDir: readStateDir(input, cwd),
    size: readSize(input),
    prefix: input.flagOrVariable('--prefix', 'WORKER_ID', readPrefix),
    urls: hasAddress ? urls : null,
    httpHost: input.flag('--http-host', readHost),
    httpPort,
    module: module === null ? null : resolve(cwd, module),
    flags: wordsOf(input, worker.readableFolders),
    worker,
    cwd,
  }
}

/** @returns the size, and the sentence where MAX_WORKERS made it smaller */
function readSize(input: Arguments): { min: number; max: number; note: string | null } | null {
  const whole = (min: number) => (subject: string, value: string) =>
    readNumber(subject, value, { min, max: workersMax, isWhole: true })
  const number = input.operand(0, 'The number of workers', whole(1))
  const min = input.flag('--min', whole(0))
  const max = input.flag('--max', whole(1))
  const cap = input.variable('MAX_WORKERS', (subject, value) =>
    readNumber(subject, value, { min: 1, max: 1_000_000, isWhole: true }),
  )
  if (number !== null && (min !== null || max !== null)) {
    input.fault('A number of workers says how many there are always; leave it out, or leave out --min and --max.')
  }
  if (min !== null && max === null && cap === null) input.fault('--min needs --max (or MAX_WORKERS) beside it.')
  const wanted =
    number !== null
      ? { min: number, max: number }
      : min === null && max === null
        ? null
        : { min: min ?? 1, max: max ?? Math.min(workersMax, cap ?? workersMax) }
  if (wanted !== null && wanted.min > wanted.max) input.fault(`--min ${wanted.min} is more than --max ${wanted.max}.`)
  return wanted === null ? null : capped(wanted, cap)
}

/** Said, and not refused: the variable is there so that scripts that ask for more do no harm. */
function capped(wanted: { min: number; max: number }, cap: number | null) {
  if (cap === null || wanted.max <= cap) return { ...wanted, note: null }
  const note = `MAX_WORKERS is ${cap}: there will be ${cap} at most instead of ${wanted.max}.`
  return { min: Math.min(wanted.min, cap), max: cap, note }
}

/** @param before the pool that is there: what was not said stays as it is */
export function wishOf(
  given: PoolGiven,
  before: PoolWish | null,
  env: Host['env'],
): { wish: PoolWish; note: string | null } {
  const cap = Number(env.MAX_WORKERS || Number.NaN)
  const otherwise = before ?? { min: workersDefault, max: workersDefault }
  const size = given.size ?? capped({ min: otherwise.min, max: otherwise.max }, Number.isNaN(cap) ? null : cap)
  const flags = { ...before?.flags, ...given.flags }
  const said = (flag: string) => given.flags[flag] !== undefined
  const wish: PoolWish = {
    version: 1,
    revision: (before?.revision ?? 0) + 1,
    prefix: given.prefix ?? before?.prefix ?? prefixDefault,
    min: size.min,
    max: size.max,
    urls: given.urls ?? before?.urls ?? ['http://127.0.0.1:8000'],
    httpHost: given.httpHost ?? before?.httpHost ?? '127.0.0.1',
    httpPort: given.httpPort ?? before?.httpPort ?? httpPortDefault,
    slots: said('--concurrency') ? given.worker.slots : (before?.slots ?? slotsDefault),
    graceSeconds: said('--grace')
      ? (given.worker.graceSeconds ?? graceSecondsDefault)
      : (before?.graceSeconds ?? graceSecondsDefault),
    queues: said('--queues') ? given.worker.queues : (before?.queues ?? []),
    flags,
    module: given.module ?? before?.module ?? null,
    cwd: before?.cwd ?? given.cwd,
  }
  return { wish, note: size.note }
}

/** The worker's own flags that were given, as words for its command line. */
function wordsOf(input: Arguments, folders: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const words: Record<string, readonly string[]> = {}
  for (const flag of ['--concurrency', '--heartbeat', '--grace']) {
    const value = input.flag(flag, text)
    if (value !== null) words[flag] = [value]
  }
  for (const flag of ['--capabilities', '--queues']) {
    const values = input.list(flag, text)
    if (values.length > 0) words[flag] = [values.join(',')]
  }
  const labels = input.repeated('--label', text)
  if (labels.length > 0) words['--label'] = labels
  if (folders.length > 0) words['--allow-files'] = folders
  if (input.isSet('--allow-private-addresses')) words['--allow-private-addresses'] = []
  return words
}

function text(_subject: string, value: string) {
  return { value }
}

/** Room for the number behind it. */
function readPrefix(subject: string, value: string) {
  const reading = readName(subject, value)
  if ('value' in reading && (value.length > limits.nameCharsMax - 4 || /[/:]/.test(value))) {
    return { fault: `${subject} is the beginning of names of files, too: no '/' and ':', and not '${value}'.` }
  }
  return reading
}

function hasPassword(url: string): boolean {
  return URL.canParse(url) && (new URL(url).password !== '' || new URL(url).username !== '')
}

function isAnySet(env: Host['env'], names: readonly string[]): boolean {
  return names.some(name => env[name] !== undefined && env[name] !== '')
}
