import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { SchedulerClient } from '../connection.ts'
import { type Cluster, startCluster } from '../demo/cluster.ts'
import type { Killing } from '../demo/kill.ts'
import { showPath } from '../demo/path-text.ts'
import { planDemo } from '../demo/plan.ts'
import { describeProgress, renderFindings } from '../demo/render.ts'
import { compareCounts, type Findings } from '../demo/report.ts'
import { runJob } from '../demo/run-demo.ts'
import { type Survey, surveyFiles } from '../demo/survey.ts'
import { type Walk, walkFolder } from '../demo/walk.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { Interruption } from '../host.ts'
import type { Arguments } from '../input/arguments.ts'
import { readPath } from '../input/values.ts'
import { renderLogLine } from '../output/log-line.ts'
import type { Output } from '../output/output.ts'
import { formatCount, formatPlural } from '../output/quantities.ts'
import { visibleText } from '../output/text-width.ts'
import { type CommandRun, createCommand, jsonOption, type Session } from './command.ts'
import { exitCodeOfSignal, untilAborted } from './stopping.ts'

const workers = 3
/** Small tasks: a few at once hide the wait for the disk and fill the batches of claims and settles. */
const slots = 16

export function createDemoCommand(session: Session) {
  return createCommand(session, {
    usage: 'demo [path]',
    summary: 'count the words of a folder with a scheduler and three worker processes',
    options: [
      { flags: '--kill', help: 'kill a worker with SIGKILL while it runs tasks; the totals stay exact' },
      { flags: '--once', help: 'end after the table instead of keeping the scheduler up' },
      jsonOption,
    ],
    notes: [
      'A task counts one text file (words as `wc -w`, lines as `wc -l`, SHA-256), a task for each extension merges those,',
      'and one merges everything. The totals are compared with a direct count made without the scheduler.',
      'Binary files (a NUL in the first 8 KiB, or no UTF-8), symbolic links and anything below .git or node_modules are',
      'left out and counted as skipped: files and skipped together are what `find PATH ! -type d | wc -l` prints.',
      'With --json, stdout holds one object and the command ends.',
    ].join('\n'),
    examples: [
      ['tasklane demo', 'the current folder; stays up until Ctrl-C'],
      ['tasklane demo /usr/share/doc --once', 'another folder'],
      ['tasklane demo --kill --json', 'with a crash in the middle, for programs'],
    ],
    run: runDemo,
  })
}

async function runDemo(run: CommandRun): Promise<ExitCode> {
  const { host, output } = run
  const given = await run.read(async input => ({
    root: await readFolder(input, host.cwd),
    isKilling: input.isSet('--kill'),
    isEnding: input.isSet('--once') || input.isSet('--json'),
  }))
  const { root } = given
  host.setTitle('tasklane demo')
  const interrupts = host.interrupts.listen(name => host.exit(exitCodeOfSignal(name)))
  const opening = startCluster({
    env: host.env,
    workers,
    slots,
    readableFolder: root,
    onLine: (name, line) => {
      if (!output.isJson && !interrupts.signal.aborted)
        host.stderr.write(`${name}: ${renderLogLine(line, output.paintNote)}\n`)
    },
  })
  // Its failure is met below, after the direct count.
  opening.catch(() => undefined)
  try {
    const { walk, survey } = await look(run, root, interrupts.signal)
    const cluster = await opening
    const client = host.connect({ urls: [cluster.url], token: null })
    try {
      const findings = await countByTasks(run, cluster, client, {
        walk,
        survey,
        ...given,
        signal: interrupts.signal,
      })
      if (!given.isEnding) await stayUp(output, cluster, interrupts.signal)
      return findings.report.verified ? exitCodes.ok : exitCodes.failed
    } finally {
      await client.close()
    }
  } catch (error) {
    if (error instanceof Interruption) return exitCodeOfSignal(error.signalName)
    throw error
  } finally {
    await opening.then(
      cluster => cluster.stop(),
      () => undefined,
    )
    interrupts.release()
  }
}

async function readFolder(input: Arguments, cwd: string): Promise<string> {
  const root = resolve(cwd, input.operand(0, 'The folder', readPath) ?? '.')
  const isFolder = await stat(root).then(
    found => found.isDirectory(),
    () => false,
  )
  if (!isFolder) input.fault(`${root} is not a folder. Give the path of one, or none for the current folder.`)
  return root
}

/** The direct count, before any task runs. */
async function look(run: CommandRun, root: string, signal: AbortSignal): Promise<{ walk: Walk; survey: Survey }> {
  const { output } = run
  output.note(`Looking at ${root}`)
  const walk = await walkFolder(root, signal)
  for (const { path, reason } of walk.unreadable)
    output.warn(`The folder ${visibleText(showPath(path))} cannot be read: ${reason}`)
  const bar = output.progress()
  const total = walk.files.length
  const survey = await surveyFiles(walk.files, {
    signal,
    onProgress: done => bar.update({ done, total, label: `${formatCount(done)} files counted directly` }),
  })
  bar.clear()
  for (const { path, reason } of survey.unreadable)
    output.warn(`${visibleText(showPath(path))} cannot be read: ${reason}`)
  return { walk, survey }
}

interface Job {
  readonly root: string
  readonly walk: Walk
  readonly survey: Survey
  readonly isKilling: boolean
  readonly signal: AbortSignal
}

async function countByTasks(run: CommandRun, cluster: Cluster, client: SchedulerClient, job: Job): Promise<Findings> {
  const { host, output } = run
  const plan = planDemo([...job.survey.counts.keys()].sort(), { folder: job.root })
  const files = formatPlural(plan.files.size, 'file')
  output.note(
    `${formatPlural(plan.tasks.length, 'task')} for ${files}, in ${plan.levels} levels, at ${cluster.url} with ${workers} worker processes`,
  )
  const bar = output.progress()
  const startMs = host.nowMs()
  const { tasks, killing } = await runJob(cluster, client, plan, {
    isKilling: job.isKilling,
    slots: workers * slots,
    signal: job.signal,
    sleep: host.sleep,
    onProgress: progress => bar.update(describeProgress(progress, cluster)),
    onKilled: found => bar.line(describeKilling(found)),
  }).finally(() => bar.clear())
  const elapsedMs = host.nowMs() - startMs
  const findings = await compareCounts({
    plan,
    survey: job.survey,
    leftOut: job.walk.leftOut,
    tasks,
    workerIds: cluster.workers().map(worker => worker.id),
  })
  if (killing !== null) {
    const heirs = new Set(killing.held.map(id => tasks.get(id)?.worker_id ?? '?'))
    output.note(
      `The ${formatPlural(killing.held.length, 'task')} of ${killing.worker} ended at ${[...heirs].join(', ')}.`,
    )
  } else if (job.isKilling)
    output.warn('Everything was done before a worker could be caught at work, so none was killed; try a larger folder.')
  output.document(findings.report, () => `\n${renderFindings(findings, job.root, elapsedMs, output)}`)
  return findings
}

function describeKilling({ worker, pid, held }: Killing): string {
  const tasks = formatPlural(held.length, 'task')
  return `Killed ${worker} (process ${pid}) with SIGKILL while it held ${tasks}; they go to others when its leases run out.`
}

async function stayUp(output: Output, cluster: Cluster, signal: AbortSignal): Promise<void> {
  const at = `--url ${cluster.url}`
  const lines = [
    '',
    output.paintNote('bold', `The scheduler stays up at ${cluster.url} until Ctrl-C. Try, in another terminal:`),
    `  npx --no-install tasklane tasks get merge-all ${at}`,
    `  npx --no-install tasklane submit add '{"x":1,"y":2}' --wait ${at}`,
    `  npx --no-install tasklane workers list ${at}`,
    `  ${cluster.url}/docs in a browser`,
    'Afterwards: `npm start` runs a scheduler and three workers that keep their tasks in ./tasklane.db.',
  ]
  output.note(lines.join('\n'))
  await untilAborted(signal)
}
