import type { AnyTaskDefinition } from '@tasklane/sdk'
import { builtInSummaries, createBuiltIns } from '../builtins/builtins.ts'
import { exitCodes } from '../exit-codes.ts'
import { UsageError } from '../faults.ts'
import type { Arguments } from '../input/arguments.ts'
import { readLogLevel } from '../input/log-level.ts'
import { readName } from '../input/values.ts'
import { formatAge, formatPlural } from '../output/quantities.ts'
import { readConnection } from '../read-connection.ts'
import { withTally } from '../tally.ts'
import { loadTaskModule, readTaskModule } from '../task-module.ts'
import { createTaskRunner } from '../task-runner.ts'
import { startWorkerHttp, type WorkerHttp } from '../worker-http.ts'
import { createWorkerLog } from '../worker-log.ts'
import { createWorkerMetrics } from '../worker-metrics.ts'
import { type ConnectedRun, createCommand, jsonOption, type Session, urlOption } from './command.ts'
import { exitCodeOfSignal, untilAborted } from './stopping.ts'
import { findUnknownTypes, readHttp, readWorkerFlags, workerOptions } from './worker-flags.ts'

export function createWorkerCommand(session: Session) {
  return createCommand(session, {
    usage: 'worker [module]',
    summary: 'run a worker',
    options: [
      urlOption,
      { flags: '--worker-id <id>', help: 'its name (WORKER_ID; default made of host and process)' },
      ...workerOptions,
      { flags: '--http-port <n>', help: 'tell health and metrics on this port, 0 for any free one (default: none)' },
      { flags: '--http-host <address>', help: 'the address of that port (default 127.0.0.1)' },
      { flags: '--pooled', help: 'it is one of a pool, and tells a log file and a supervisor', isHidden: true },
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
      ['tasklane worker tasks.ts --label version=1.4.2', 'the pages show which release it runs'],
      ['tasklane worker --capabilities add,multiply --queues math', 'only these types, of one queue'],
    ],
    readsEnvFile: true,
    run: runWorker,
  })
}

async function runWorker(run: ConnectedRun) {
  const { host, output } = run
  const given = await run.read(input => readWorker(input, run))
  const stamp = given.isPooled ? { nowMs: host.nowMs, write: (text: string) => host.stderr.write(text) } : null
  const logger = createWorkerLog({ output, level: given.logLevel, stamp })
  const note = (text: string) => logger.info({}, text)
  const tasks = chooseTasks(await collectTasks(given, host.cwd, note), given.capabilities)
  const metrics = createWorkerMetrics()
  const counted = given.http === null ? tasks : metrics.count(tasks)
  const worker = createTaskRunner({ ...given, tasks: given.isTelling ? withTally(counted) : counted, logger })
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
      note(`Health and metrics of ${workerId} are at ${http.url}/health and /metrics.`)
    }
    const { login } = given.connection
    if (login !== undefined) {
      const ends = formatAge(login.expires_at, host.nowMs())
      logger.warn(
        {},
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
      note(
        `Worker ${workerId} serves ${serves}, ${given.slots} at once.${given.isPooled ? '' : ' Ctrl-C stops it in order.'}`,
      )
      await Promise.race([stopAsked, worker.done])
    }
    if (interrupts.signal.aborted)
      note(`Worker ${workerId} stops.${given.isPooled ? '' : ' Ctrl-C again ends it at once.'}`)
    // Whoever stops a pool stops its worker with a signal; without one it was the scheduler that sent it away.
    const isSentAway = !interrupts.signal.aborted
    await worker.stop()
    tell('stopped')
    if (worker.failure !== null) throw worker.failure
    return given.isPooled && isSentAway ? exitCodes.drained : exitCodes.ok
  } finally {
    await http?.close()
    interrupts.release()
  }
}

export interface GivenWorker extends Awaited<ReturnType<typeof readWorker>> {}

async function readWorker(input: Arguments, { host }: ConnectedRun) {
  const connection = readConnection(input, host)
  const module = await readTaskModule(input, host.cwd)
  return {
    ...readWorkerFlags(input, { cwd: host.cwd, hasModule: module !== null }),
    module,
    connection,
    workerId: input.flagOrVariable('--worker-id', 'WORKER_ID', readName),
    http: readHttp(input),
    logLevel: readLogLevel(input, host.env),
    isPooled: input.isSet('--pooled'),
    isTelling: input.isSet('--tell-parent'),
  }
}

async function collectTasks(
  given: GivenWorker,
  cwd: string,
  note: (text: string) => void,
): Promise<readonly AnyTaskDefinition[]> {
  const builtIns: readonly AnyTaskDefinition[] = createBuiltIns(given)
  if (given.module === null) return builtIns
  const own = await loadTaskModule(given.module, cwd)
  const ownTypes = new Set(own.map(task => task.type))
  const replaced = builtIns.filter(task => ownTypes.has(task.type)).map(task => task.type)
  if (replaced.length > 0) note(`The module's own ${replaced.join(', ')} runs instead of the built-in one.`)
  return [...builtIns.filter(task => !ownTypes.has(task.type)), ...own]
}

function chooseTasks(tasks: readonly AnyTaskDefinition[], wanted: readonly string[]): readonly AnyTaskDefinition[] {
  if (wanted.length === 0) return tasks
  const types = tasks.map(task => task.type)
  const faults = findUnknownTypes(wanted, types)
  if (faults.length > 0) throw new UsageError(faults)
  return tasks.filter(task => wanted.includes(task.type))
}
