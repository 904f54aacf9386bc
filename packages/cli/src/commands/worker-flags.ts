import { resolve } from 'node:path'
import { limits } from '@tasklane/protocol'
import { builtInTypes } from '../builtins/builtins.ts'
import { suggest } from '../closest.ts'
import type { Arguments } from '../input/arguments.ts'
import { readHost, readName, readNumber, readPair, readPath, readSeconds } from '../input/values.ts'
import type { OptionSpec } from './command.ts'

/** Enough to hide the wait of handlers for the network, few enough for handlers that compute. */
export const slotsDefault = 10
/** What the SDK gives handlers at a stop. */
export const graceSecondsDefault = 8

/** What a worker can be told, alone or as one of a pool. */
export const workerOptions: readonly OptionSpec[] = [
  { flags: '--concurrency <n>', help: `tasks at once (default ${slotsDefault})` },
  { flags: '--capabilities <types>', help: 'serve these types only', isRepeated: true },
  { flags: '--queues <names>', help: 'serve these queues only (default all)', isRepeated: true },
  {
    flags: '--label <key=value>',
    help: 'shown with the worker, such as version=1.4.2; may be repeated',
    isRepeated: true,
  },
  { flags: '--heartbeat <time>', help: 'beat more often than the scheduler asks for (HEARTBEAT_INTERVAL)' },
  {
    flags: '--grace <time>',
    help: `how long tasks may go on at a stop before they are given back (default ${graceSecondsDefault}s)`,
  },
  { flags: '--allow-private-addresses', help: 'let http_request reach loopback and private addresses' },
  { flags: '--allow-files <folder>', help: 'let count_file read below this folder; may be repeated', isRepeated: true },
]

export type WorkerFlags = ReturnType<typeof readWorkerFlags>

/** @param hasModule its types are known when it is loaded, which a command line with faults does not get to */
export function readWorkerFlags(input: Arguments, { cwd, hasModule }: { cwd: string; hasModule: boolean }) {
  const slots = input.flag('--concurrency', (subject, text) =>
    readNumber(subject, text, { min: 1, max: limits.workerSlotsMax, isWhole: true }),
  )
  const heartbeatSeconds = input.flagOrVariable('--heartbeat', 'HEARTBEAT_INTERVAL', (subject, text) =>
    readSeconds(subject, text, { min: 0.1, max: 3_600 }),
  )
  const capabilities = input.list('--capabilities', readName)
  const labels = input.repeated('--label', readPair)
  if (labels.length > limits.labelsMax) input.fault(`--label may be given ${limits.labelsMax} times at most.`)
  if (!hasModule) for (const fault of findUnknownTypes(capabilities, builtInTypes)) input.fault(fault)
  return {
    slots: slots ?? slotsDefault,
    heartbeatSeconds,
    graceSeconds: input.flag('--grace', (subject, text) => readSeconds(subject, text, { min: 0, max: 86_400 })),
    capabilities,
    queues: input.list('--queues', readName),
    labels: Object.fromEntries(labels),
    allowPrivateAddresses: input.isSet('--allow-private-addresses'),
    readableFolders: input.repeated('--allow-files', readPath).map(folder => resolve(cwd, folder)),
  }
}

export function readPort(subject: string, text: string) {
  return readNumber(subject, text, { min: 0, max: 65_535, isWhole: true })
}

export function readHttp(input: Arguments): { readonly host: string; readonly port: number } | null {
  const port = input.flag('--http-port', readPort)
  const host = input.flag('--http-host', readHost)
  if (host !== null && port === null) input.fault('--http-host says where --http-port listens; give that, too.')
  return port === null ? null : { host: host ?? '127.0.0.1', port }
}

export function findUnknownTypes(wanted: readonly string[], types: readonly string[]): readonly string[] {
  return wanted
    .filter(type => !types.includes(type))
    .map(
      type => `--capabilities: this worker has no type '${type}'.${suggest(type, types)} It has ${types.join(', ')}.`,
    )
}
