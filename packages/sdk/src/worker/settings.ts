import { hostname } from 'node:os'
import { anyName, createUuidV7, limits, nameSchema } from '@tasklane/protocol'
import type { Clock } from '../clock.ts'
import { type ConnectOptions, resolveConnect } from '../connect.ts'
import { UsageError } from '../errors.ts'
import { harmless, stderrLogger, type WorkerLogger } from '../log.ts'
import { type AnyTaskDefinition, isName } from '../task-definition.ts'

export interface WorkerOptions extends ConnectOptions {
  /** What this worker can run. */
  readonly tasks: readonly AnyTaskDefinition[]
  /** Names the worker; must be its own. If absent, the variable `WORKER_ID`, else host name, process id and chance. */
  readonly workerId?: string | undefined
  /** Handlers that run at the same time, 1 to 10,000; 10 if absent. */
  readonly slots?: number | undefined
  /** Queues it serves; all if absent. */
  readonly queues?: readonly string[] | undefined
  /** Which of `tasks` it offers; all of them if absent. `*` asks for every type, and what has no handler goes back. */
  readonly capabilities?: readonly string[] | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** Milliseconds between heartbeats; only shortens what the scheduler says. Also the variable `HEARTBEAT_INTERVAL`, in seconds. */
  readonly heartbeatMs?: number | undefined
  /**
   * Milliseconds handlers have at a stop before their signal aborts; 8,000 if absent, so that everything is over within
   * the ten seconds that containers are given.
   */
  readonly shutdownGraceMs?: number | undefined
  /**
   * Whether SIGTERM and SIGINT stop this worker in good order, and a second one ends the process at once; true if
   * absent. The process itself ends when nothing else keeps it.
   */
  readonly signals?: boolean | undefined
  /** pino fits. Warnings and errors go to stderr if absent. */
  readonly logger?: WorkerLogger | undefined
  /** Time and chance; tests hand in their own, and then heartbeats come from the thread of the handlers. */
  readonly clock?: Clock | undefined
}

export interface WorkerSettings {
  readonly urls: readonly string[]
  readonly token: string | null
  readonly handlers: ReadonlyMap<string, AnyTaskDefinition>
  readonly workerId: string
  readonly instance: string
  readonly slots: number
  readonly queues: readonly string[] | null
  readonly capabilities: readonly string[]
  readonly labels: Readonly<Record<string, string>> | null
  /** Null leaves it to the scheduler. */
  readonly heartbeatMs: number | null
  readonly shutdownGraceMs: number
  readonly handlesSignals: boolean
  readonly logger: WorkerLogger
}

const slotsDefault = 10
const shutdownGraceMsDefault = 8_000

/** @throws UsageError naming everything that cannot be right */
export function resolveSettings(
  options: WorkerOptions,
  clock: Clock,
  env: Readonly<Record<string, string | undefined>> = process.env,
): WorkerSettings {
  const faults: string[] = []
  const makeId = createUuidV7(clock.now, clock.fillRandom)
  const workerId = options.workerId ?? (env.WORKER_ID || defaultWorkerId(makeId()))
  if (!isName(workerId)) faults.push(`The worker id '${workerId}' is not a name; ${nameRule}`)
  const slots = options.slots ?? slotsDefault
  if (!(Number.isInteger(slots) && slots >= 1 && slots <= limits.workerSlotsMax)) {
    faults.push(`slots is ${slots}; use a whole number from 1 to ${limits.workerSlotsMax}.`)
  }
  for (const queue of options.queues ?? []) {
    if (queue !== anyName && !isName(queue)) faults.push(`The queue '${queue}' is not a name; ${nameRule}`)
  }
  const shutdownGraceMs = options.shutdownGraceMs ?? shutdownGraceMsDefault
  if (!(shutdownGraceMs >= 0)) faults.push(`shutdownGraceMs is ${shutdownGraceMs}; use milliseconds from 0 up.`)
  const heartbeatMs = readHeartbeat(options.heartbeatMs, env.HEARTBEAT_INTERVAL, faults)
  const { handlers, capabilities } = readTasks(options, faults)
  if (faults.length > 0) throw new UsageError(faults.join('\n'))
  return {
    ...resolveConnect(options, env),
    handlers,
    capabilities,
    workerId,
    instance: makeId(),
    slots,
    queues: options.queues === undefined || options.queues.length === 0 ? null : options.queues,
    labels: options.labels ?? null,
    heartbeatMs,
    shutdownGraceMs,
    handlesSignals: options.signals ?? true,
    logger: harmless(options.logger ?? stderrLogger),
  }
}

const nameRule = `use letters, digits and _ . : / -, ${limits.nameCharsMax} characters at most (${nameSchema.pattern}).`

function readTasks(
  { tasks, capabilities }: WorkerOptions,
  faults: string[],
): { readonly handlers: ReadonlyMap<string, AnyTaskDefinition>; readonly capabilities: readonly string[] } {
  const known = new Map<string, AnyTaskDefinition>()
  for (const task of tasks) {
    if (known.has(task.type)) faults.push(`Type '${task.type}' is defined twice; a worker needs one handler a type.`)
    known.set(task.type, task)
  }
  const offered = capabilities ?? [...known.keys()]
  if (offered.length === 0) faults.push('The worker can run nothing; pass at least one definition in `tasks`.')
  if (offered.includes(anyName)) return { handlers: known, capabilities: [anyName] }
  const missing = offered.filter(type => !known.has(type))
  if (missing.length > 0) {
    faults.push(
      `No handler is given for ${missing.join(', ')}; this worker knows ${[...known.keys()].join(', ') || 'none'}.`,
    )
  }
  const handlers = new Map([...known].filter(([type]) => offered.includes(type)))
  return { handlers, capabilities: [...new Set(offered)] }
}

function readHeartbeat(option: number | undefined, variable: string | undefined, faults: string[]): number | null {
  const fromEnv = variable === undefined || variable === '' ? null : Number(variable) * 1_000
  if (fromEnv !== null && !(fromEnv > 0)) {
    faults.push(`HEARTBEAT_INTERVAL is '${variable}'; use seconds above 0, like 5.`)
  }
  if (option !== undefined && !(option > 0)) faults.push(`heartbeatMs is ${option}; use milliseconds above 0.`)
  const asked = [option, fromEnv].filter(ms => ms !== undefined && ms !== null)
  return asked.length === 0 ? null : Math.min(...asked)
}

/** Tells people where it runs; the end of the id keeps two on one host apart even where process ids repeat (containers). */
function defaultWorkerId(id: string): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9_.-]/g, '-')
    .replace(/^[^A-Za-z0-9_]+/, '')
    .slice(0, 64)
  return `${host === '' ? 'worker' : host}-${process.pid}-${id.slice(-6)}`
}
