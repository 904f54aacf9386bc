import { resolve } from 'node:path'
import { limits } from '@tasklane/protocol'
import type { AnyTaskDefinition } from '@tasklane/sdk'
import { builtInSummaries, builtInTypes, createBuiltIns } from '../builtins/builtins.ts'
import { suggest } from '../closest.ts'
import { exitCodes } from '../exit-codes.ts'
import { UsageError } from '../faults.ts'
import type { Arguments } from '../input/arguments.ts'
import { readHost, readName, readNumber, readPath, readSeconds } from '../input/values.ts'
import { formatAge, formatPlural } from '../output/quantities.ts'
import { readConnection } from '../read-connection.ts'
import { withTally } from '../tally.ts'
import { loadTaskModule, readTaskModule } from '../task-module.ts'
import { createTaskRunner } from '../task-runner.ts'
import { startWorkerHttp, type WorkerHttp } from '../worker-http.ts'
import { createWorkerMetrics } from '../worker-metrics.ts'
import { type ConnectedRun, createCommand, jsonOption, type Session, urlOption } from './command.ts'
import { exitCodeOfSignal, untilAborted } from './stopping.ts'

/** Enough to hide the wait of handlers for the network, few enough for handlers that compute. */
const slotsDefault = 10

export function createWorkerCommand(session: Session) {
  return createCommand(session, {
    usage: 'worker [module]',
    summary: 'run a worker',
    options: [
      urlOption,
      { flags: '--worker-id <id>', help: 'its name (WORKER_ID; default made of host and process)' },
      { flags: '--concurrency <n>', help: `tasks at once (default ${slotsDefault})` },
      { flags: '--capabilities <types>', help: 'serve these types only', isRepeated: true },
      { flags: '--queues <names>', help: 'serve these queues only (default all)', isRepeated: true },
      { flags: '--heartbeat <time>', help: 'beat more often than the scheduler asks for (HEARTBEAT_INTERVAL)' },
      { flags: '--grace <time>', help: 'how long tasks may go on at a stop before they are given back (default 8s)' },
      { flags: '--allow-private-addresses', help: 'let http_request reach loopback and private addresses' },
      {
        flags: '--allow-files <folder>',
        help: 'let count_file read below this folder; may be repeated',
        isRepeated: true,
      },
      { flags: '--http-port <n>', help: 'tell health and metrics on this port, 0 for any free one (default: none)' },
      { flags: '--http-host <address>', help: 'the address of that port (default 127.0.0.1)' },
      { flags: '--tell-parent', help: 'tell the process that started this one what runs', isHidden: true },
      jsonOption,
    ],
    notes: [
      'It serves these types unless --capabilities says otherwise:',
      ...Object.entries(builtInSummaries).map(([type, does]) => `  ${type.padEnd(12)}  ${does}`),
      'A module is a .ts, .mts, .js or .mjs file that exports what defineTask makes.',
      'With --http-port it answers at /health, /livez and /metrics.',
      'SIGTERM and Ctrl-C let it finish what runs and hand the rest back; a second one ends it at once.',
    ].join('\n'),
    examples: [
      ['tasklane worker', 'serves the built-in types'],
      ['tasklane worker tasks.ts --concurrency 4', 'and those of a module'],
      ['tasklane worker --capabilities add,multiply --queues math', 'only these types, of one queue'],
    ],
    readsEnvFile: true,
    run: runWorker,
  })
}

async function runWorker(run: ConnectedRun) {
  const { host, output } = run
  const given = await run.read(input => readWorker(input, run))
  const tasks = chooseTasks(await collectTasks(run, given), given.capabilities)
  const metrics = createWorkerMetrics()
  const counted = given.http === null ? tasks : metrics.count(tasks)
  const worker = createTaskRunner({ ...given, tasks: given.isTelling ? withTally(counted) : counted, output })
  const { workerId } = worker
  host.setTitle(`tasklane worker ${workerId}`)
  const tell = (event: string, facts: Readonly<Record<string, unknown>> = {}) => {
    if (output.isJson) output.record({ event, worker_id: workerId, ...facts })
  }
  const interrupts = host.interrupts.listen(name => host.exit(exitCodeOfSignal(name)))
  let http: WorkerHttp | null = null
  try {
    if (given.http !== null) {
      http = await startWorkerHttp({
        ...given.http,
        status: () => worker.status(),
        metrics: () => metrics.render(worker.status()),
      })
      tell('listening', { url: http.url })
      output.note(`Health and metrics of ${workerId} are at ${http.url}/health and /metrics.`)
    }
    const { login } = given.connection
    if (login !== undefined) {
      const ends = formatAge(login.expires_at, host.nowMs())
      output.warn(
        `This worker runs by the login of ${login.name}, which ends ${ends}; for longer give it a token: tasklane tokens create --role worker`,
      )
    }
    const types = tasks.map(task => task.type)
    tell('starting', { urls: given.connection.urls, types, slots: given.slots })
    const starting = worker.start()
    // Stopped before a scheduler was there to register at: then it never starts.
    starting.catch(() => undefined)
    const stopAsked = untilAborted(interrupts.signal)
    await Promise.race([starting, stopAsked])
    if (!interrupts.signal.aborted) {
      tell('started')
      const serves = `${formatPlural(types.length, 'type')} of ${given.connection.urls.join(', ')}`
      output.note(`Worker ${workerId} serves ${serves}, ${given.slots} at once. Ctrl-C stops it in order.`)
      await Promise.race([stopAsked, worker.done])
    }
    if (interrupts.signal.aborted) output.note(`Worker ${workerId} stops. Ctrl-C again ends it at once.`)
    await worker.stop()
    tell('stopped')
    if (worker.failure !== null) throw worker.failure
    return exitCodes.ok
  } finally {
    await http?.close()
    interrupts.release()
  }
}

export interface GivenWorker extends Awaited<ReturnType<typeof readWorker>> {}

async function readWorker(input: Arguments, { host }: ConnectedRun) {
  const connection = readConnection(input, host)
  const slots = input.flag('--concurrency', (subject, text) =>
    readNumber(subject, text, { min: 1, max: limits.workerSlotsMax, isWhole: true }),
  )
  const heartbeatSeconds = input.flagOrVariable('--heartbeat', 'HEARTBEAT_INTERVAL', (subject, text) =>
    readSeconds(subject, text, { min: 0.1, max: 3_600 }),
  )
  const module = await readTaskModule(input, host.cwd)
  const capabilities = input.list('--capabilities', readName)
  const httpPort = input.flag('--http-port', (subject, text) =>
    readNumber(subject, text, { min: 0, max: 65_535, isWhole: true }),
  )
  const httpHost = input.flag('--http-host', readHost)
  if (httpHost !== null && httpPort === null) input.fault('--http-host says where --http-port listens; give that, too.')
  // Those of a module are known when it is loaded, which a command line with faults does not get to.
  if (module === null) for (const fault of findUnknownTypes(capabilities, builtInTypes)) input.fault(fault)
  return {
    module,
    connection,
    workerId: input.flagOrVariable('--worker-id', 'WORKER_ID', readName),
    slots: slots ?? slotsDefault,
    heartbeatSeconds,
    graceSeconds: input.flag('--grace', (subject, text) => readSeconds(subject, text, { min: 0, max: 86_400 })),
    capabilities,
    queues: input.list('--queues', readName),
    allowPrivateAddresses: input.isSet('--allow-private-addresses'),
    readableFolders: input.repeated('--allow-files', readPath).map(folder => resolve(host.cwd, folder)),
    http: httpPort === null ? null : { host: httpHost ?? '127.0.0.1', port: httpPort },
    isTelling: input.isSet('--tell-parent'),
  }
}

async function collectTasks(run: ConnectedRun, given: GivenWorker): Promise<readonly AnyTaskDefinition[]> {
  const builtIns: readonly AnyTaskDefinition[] = createBuiltIns(given)
  if (given.module === null) return builtIns
  const own = await loadTaskModule(given.module, run.host.cwd)
  const ownTypes = new Set(own.map(task => task.type))
  const replaced = builtIns.filter(task => ownTypes.has(task.type)).map(task => task.type)
  if (replaced.length > 0) run.output.note(`The module's own ${replaced.join(', ')} runs instead of the built-in one.`)
  return [...builtIns.filter(task => !ownTypes.has(task.type)), ...own]
}

function chooseTasks(tasks: readonly AnyTaskDefinition[], wanted: readonly string[]): readonly AnyTaskDefinition[] {
  if (wanted.length === 0) return tasks
  const types = tasks.map(task => task.type)
  const faults = findUnknownTypes(wanted, types)
  if (faults.length > 0) throw new UsageError(faults)
  return tasks.filter(task => wanted.includes(task.type))
}

function findUnknownTypes(wanted: readonly string[], types: readonly string[]): readonly string[] {
  return wanted
    .filter(type => !types.includes(type))
    .map(
      type => `--capabilities: this worker has no type '${type}'.${suggest(type, types)} It has ${types.join(', ')}.`,
    )
}
