import { randomBytes } from 'node:crypto'
import { describeExit } from '../child-process.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Host } from '../host.ts'
import { readNumber } from '../input/values.ts'
import type { Colour } from '../output/colours.ts'
import { renderLogLine } from '../output/log-line.ts'
import type { Output } from '../output/output.ts'
import { formatDuration, formatPlural } from '../output/quantities.ts'
import { startSchedulerChild } from '../scheduler-child.ts'
import { asksForLogin, type SchedulerFlags } from '../scheduler-process.ts'
import { type Supervised, type SupervisionEvent, supervise } from '../supervision.ts'
import { readTaskModule } from '../task-module.ts'
import { type CommandRun, createCommand, envFileArgs, jsonOption, type Session } from './command.ts'
import { readSchedulerFlags, schedulerArgs, schedulerOptions } from './scheduler-flags.ts'
import { exitCodeOfSignal, untilAborted } from './stopping.ts'

const workersDefault = 3
const workersMax = 64
/** A worker drains in this time or is ended; its tasks go to another then. */
const workerPatienceMs = 30_000
const schedulerPatienceMs = 15_000

export function createDevCommand(session: Session) {
  return createCommand(session, {
    usage: 'dev [module]',
    summary: 'run a scheduler and worker processes together, for development',
    options: [
      { flags: '--workers <n>', help: `worker processes (default ${workersDefault})` },
      { flags: '--concurrency <n>', help: 'tasks at once in each of them' },
      ...schedulerOptions,
      { flags: '--allow-private-addresses', help: 'let http_request reach loopback and private addresses' },
      jsonOption,
    ],
    notes: [
      'The workers serve the built-in types and those of the module. A process that dies is started again, later each',
      'time it dies young. Ctrl-C stops the workers first, then the scheduler; a second Ctrl-C ends everything at once.',
    ].join('\n'),
    examples: [
      ['tasklane dev', 'a scheduler at http://127.0.0.1:8000 and three workers'],
      ['tasklane dev tasks.ts --workers 5', 'five workers with your own task types'],
    ],
    readsEnvFile: true,
    run: runDev,
  })
}

async function runDev(run: CommandRun) {
  const { host, output } = run
  const given = await readDev(run)
  host.setTitle('tasklane dev')
  const lines = createLinePrinter(output, text => host.stderr.write(text), host.stderr.isTTY === true)
  const supervised: Supervised[] = []
  const interrupts = host.interrupts.listen(name => {
    for (const each of supervised) each.current()?.kill('SIGKILL')
    host.exit(exitCodeOfSignal(name))
  })
  const env = await shareToken(host.env, given.flags)
  const shared = {
    env,
    nowMs: host.nowMs,
    sleep: host.sleep,
    onEvent: (event: SupervisionEvent) => lines.event(event),
  }
  try {
    const onLine = lines.of('scheduler')
    const first = await startSchedulerChild({ name: 'scheduler', args: given.schedulerArgs, env, onLine })
    const port = new URL(first.url).port
    // The port it got is the port its successor takes: the workers know no other.
    const args = ['serve', ...given.schedulerArgs, '--port', port]
    const scheduler = supervise({ ...shared, name: 'scheduler', args, onLine, first: first.child })
    supervised.push(scheduler)
    const workers = Array.from({ length: given.workers }, (_, at) => {
      const name = `w${at + 1}`
      const workerArgs = ['worker', ...given.workerArgs, '--url', first.url, '--worker-id', name]
      return supervise({ ...shared, name, args: workerArgs, onLine: lines.of(name) })
    })
    supervised.push(...workers)
    announce(output, first.url, given.workers)
    await untilAborted(interrupts.signal)
    output.note('Stopping: workers first, then the scheduler. Ctrl-C again ends everything at once.')
    await Promise.all(workers.map(worker => worker.stop(workerPatienceMs)))
    await scheduler.stop(schedulerPatienceMs)
    return exitCodes.ok
  } finally {
    interrupts.release()
  }
}

/** Where callers have to log in, the workers get a token of this run that the scheduler knows, unless there is one already. */
async function shareToken(env: Host['env'], flags: SchedulerFlags): Promise<Host['env']> {
  const given = env.TASKLANE_TOKEN ?? env.TASKLANE_WORKER_TOKEN ?? ''
  if (given !== '' || !(await asksForLogin(env, flags))) return { TASKLANE_TOKEN: env.TASKLANE_WORKER_TOKEN, ...env }
  const token = `tl_${randomBytes(32).toString('base64url')}`
  return { ...env, TASKLANE_WORKER_TOKEN: token, TASKLANE_TOKEN: token }
}

function announce(output: Output, url: string, workers: number): void {
  if (output.isJson) {
    output.record({ event: 'listening', url, workers })
    return
  }
  output.data(`Tasklane is listening on ${url}`)
  output.note(`${formatPlural(workers, 'worker')} started. API documentation: ${url}/docs. Ctrl-C stops everything.`)
  output.note(`Try, in another terminal:  tasklane submit add '{"x":1,"y":2}' --wait --url ${url}`)
}

function readDev(run: CommandRun) {
  return run.read(async input => {
    const module = await readTaskModule(input, run.host.cwd)
    const whole = (max: number) => (subject: string, text: string) =>
      readNumber(subject, text, { min: 1, max, isWhole: true })
    const workers = input.flag('--workers', whole(workersMax)) ?? workersDefault
    const concurrency = input.flag('--concurrency', whole(10_000))
    const flags = await readSchedulerFlags(input, run.host.env)
    const envFile = envFileArgs(input)
    return {
      workers,
      flags,
      schedulerArgs: [...schedulerArgs(flags), ...envFile],
      workerArgs: [
        ...(module === null ? [] : [module]),
        ...(concurrency === null ? [] : ['--concurrency', String(concurrency)]),
        ...(input.isSet('--allow-private-addresses') ? ['--allow-private-addresses'] : []),
        ...envFile,
      ],
    }
  })
}

const nameColours: readonly Colour[] = ['cyan', 'green', 'magenta', 'yellow', 'blue']

/** Lines of several processes in one stream, each with the name of who said it. */
function createLinePrinter(output: Output, write: (text: string) => unknown, isTerminal: boolean) {
  const paint = output.paintNote
  const colourOf = new Map<string, Colour>()
  const prefix = (name: string) => {
    const colour = colourOf.get(name) ?? nameColours[colourOf.size % nameColours.length] ?? 'cyan'
    colourOf.set(name, colour)
    return paint(colour, `${name.padEnd(9)} |`)
  }
  const print = (name: string, text: string) => void write(`${prefix(name)} ${text}\n`)
  return {
    of: (name: string) => (stream: 'stdout' | 'stderr', line: string) => {
      if (output.isJson) output.record({ event: 'output', process: name, stream, line })
      else print(name, isTerminal ? renderLogLine(line, paint) : line)
    },
    event(event: SupervisionEvent) {
      if (output.isJson) output.record(event)
      else if (event.event === 'started') print(event.process, paint('dim', `process ${event.pid} started`))
      else if (event.event !== 'ended') print(event.process, paint('dim', 'stopped'))
      else {
        const text = `${describeExit(event.exit)}; starting it again in ${formatDuration(event.restartInMs)}`
        print(event.process, paint('red', text))
      }
    },
  }
}
