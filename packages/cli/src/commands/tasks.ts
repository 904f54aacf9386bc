import { isFinished, type LogLine, limits, logLevels, type Task, type TaskState, taskStates } from '@tasklane/protocol'
import type { SchedulerClient } from '../connection.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { CommandFailure, describeFailure } from '../faults.ts'
import type { Arguments } from '../input/arguments.ts'
import { readChoice, readName, readNumber, readSeconds, readTaskId, readText } from '../input/values.ts'
import type { Colour, Paint } from '../output/colours.ts'
import { formatAge, formatDuration } from '../output/quantities.ts'
import { visibleText } from '../output/text-width.ts'
import { type ConnectedRun, connectionOptions, createCommand, createGroup, type Session } from './command.ts'
import { renderTask } from './task-view.ts'
import { describeEnd, reportEnd, waitForTask } from './wait.ts'

export function createTasksCommand(session: Session) {
  return createGroup('tasks', 'look at tasks and act on them', [
    createListCommand(session),
    createGetCommand(session),
    createLogsCommand(session),
    createWhyCommand(session),
    createCancelCommand(session),
    createRetryCommand(session),
    createWaitCommand(session),
  ])
}

const stateColours: Readonly<Record<TaskState, Colour>> = {
  blocked: 'gray',
  scheduled: 'gray',
  pending: 'yellow',
  running: 'blue',
  completed: 'green',
  failed: 'red',
  cancelled: 'magenta',
}

/** The state's word in the state's colour; padding around the word is kept. */
export function paintState(paint: Paint, state: TaskState, text: string = state): string {
  return paint(stateColours[state], text)
}

function createListCommand(session: Session) {
  return createCommand(session, {
    usage: 'list',
    summary: 'list tasks, newest first',
    options: [
      { flags: '--status <states>', help: `one or more of ${taskStates.join(', ')}`, isRepeated: true },
      { flags: '--type <types>', help: 'of these types', isRepeated: true },
      { flags: '--queue <names>', help: 'in these queues', isRepeated: true },
      { flags: '--worker <id>', help: 'held or finished by this worker' },
      { flags: '--label <key[=value]>', help: 'with this label' },
      { flags: '--search <text>', help: 'with this text in id, name or type' },
      {
        flags: '--limit <n>',
        help: `at most this many (default ${limits.pageTasksDefault}, ${limits.pageTasksMax} at most)`,
      },
      { flags: '--cursor <cursor>', help: 'the next page, as the page before says' },
      ...connectionOptions,
    ],
    examples: [
      ['tasklane tasks list --status running,pending', 'what is going on'],
      ['tasklane tasks list --status failed --json', 'for programs: {tasks, next_cursor}'],
    ],
    run: run =>
      run.connected(readFilter, async (client, filter) => {
        const page = await client.list(filter)
        run.output.document(page, () => renderTasks(run, page.tasks))
        if (page.next_cursor !== null) run.output.note(`There are more: --cursor ${page.next_cursor}`)
        return undefined
      }),
  })
}

function readFilter(input: Arguments) {
  const status = input.list('--status', (subject, text) => readChoice(subject, text, taskStates))
  const taskType = input.list('--type', readName)
  const queue = input.list('--queue', readName)
  const label = input.flag('--label', (subject, text) =>
    readText(subject, text, limits.labelKeyCharsMax + limits.labelValueCharsMax + 1),
  )
  return {
    status: status.length === 0 ? undefined : status,
    taskType: taskType.length === 0 ? undefined : taskType,
    queue: queue.length === 0 ? undefined : queue,
    workerId: input.flag('--worker', readName) ?? undefined,
    // The command line writes labels with '=', the wire with ':'.
    label: label?.replace('=', ':'),
    q: input.flag('--search', (subject, text) => readText(subject, text, limits.titleCharsMax)) ?? undefined,
    limit:
      input.flag('--limit', (subject, text) =>
        readNumber(subject, text, { min: 1, max: limits.pageTasksMax, isWhole: true }),
      ) ?? undefined,
    cursor: input.flag('--cursor', (subject, text) => readText(subject, text, 4_096)) ?? undefined,
  }
}

function renderTasks({ host, output }: ConnectedRun, tasks: readonly Task[]): string {
  if (tasks.length === 0) return `No tasks here. Submit one: tasklane submit add '{"x":1,"y":2}'`
  const nowMs = host.nowMs()
  return output.table(tasks, [
    { title: 'id', text: task => task.task_id },
    { title: 'type', text: task => task.task_type },
    { title: 'status', text: task => task.status, style: (text, task) => paintState(output.paint, task.status, text) },
    { title: 'prio', text: task => String(task.priority), align: 'right' },
    { title: 'queue', text: task => task.queue },
    { title: 'worker', text: task => task.worker_id ?? '-' },
    { title: 'submitted', text: task => formatAge(task.created_at, nowMs) },
    { title: 'ran', text: task => runTime(task, nowMs), align: 'right' },
    { title: 'name', text: task => task.name ?? '', shrinks: true },
  ])
}

function runTime(task: Task, nowMs: number): string {
  if (task.started_at === null) return '-'
  const endMs = task.completed_at !== null ? Date.parse(task.completed_at) : task.status === 'running' ? nowMs : null
  return endMs === null ? '-' : formatDuration(Math.max(0, endMs - Date.parse(task.started_at)))
}

function createGetCommand(session: Session) {
  return createCommand(session, {
    usage: 'get <id>',
    summary: 'show one task with its attempts',
    options: connectionOptions,
    examples: [['tasklane tasks get ID --json', 'the task as the API returns it, with `attempts`']],
    run: run =>
      run.connected(
        input => input.operand(0, 'ID', readTaskId) ?? '',
        async (client, id) => {
          const [task, attempts] = await Promise.all([client.get(id), client.attempts(id)])
          run.output.document({ ...task, attempts }, () => renderTask(task, attempts, run.output, run.host.nowMs()))
          return undefined
        },
      ),
  })
}

function createLogsCommand(session: Session) {
  return createCommand(session, {
    usage: 'logs <id>',
    summary: 'print what a task has logged',
    options: [
      { flags: '-f, --follow', help: 'go on until the task has ended' },
      { flags: '--level <level>', help: `this level and above: ${logLevels.join(', ')}` },
      ...connectionOptions,
    ],
    notes: 'With --json, --follow prints a JSON line for each log line; without it, one document {logs}.',
    examples: [['tasklane tasks logs ID --follow', 'as they come']],
    run: run =>
      run.connected(
        input => ({
          id: input.operand(0, 'ID', readTaskId) ?? '',
          isFollowing: input.isSet('--follow'),
          level: input.flag('--level', (subject, text) => readChoice(subject, text, logLevels)) ?? 'debug',
        }),
        async (client, { id, isFollowing, level }) => {
          const isWanted = (line: LogLine) => logLevels.indexOf(line.level) >= logLevels.indexOf(level)
          if (isFollowing) return followLogs(run, client, id, isWanted)
          const { lines } = await readLogs(client, id, undefined)
          const logs = lines.filter(isWanted)
          const empty = 'This task has logged nothing.'
          run.output.document({ logs }, () => logs.map(line => renderLog(line, run.output.paint)).join('\n') || empty)
          return undefined
        },
      ),
  })
}

const followEveryMs = 500

async function followLogs(
  run: ConnectedRun,
  client: SchedulerClient,
  id: string,
  isWanted: (line: LogLine) => boolean,
): Promise<ExitCode> {
  let after: number | undefined
  for (;;) {
    // Asked before the lines: what is logged last is then in the lines that follow.
    const { status } = await client.get(id)
    const page = await readLogs(client, id, after)
    after = page.after
    for (const line of page.lines.filter(isWanted)) {
      if (run.output.isJson) run.output.record(line)
      else run.output.data(renderLog(line, run.output.paint))
    }
    if (isFinished(status)) {
      run.output.note(`Task ${id} is ${status}.`)
      return exitCodes.ok
    }
    await run.host.sleep(followEveryMs)
  }
}

async function readLogs(client: SchedulerClient, id: string, from: number | undefined) {
  const lines: LogLine[] = []
  let after = from
  for (;;) {
    const page = await client.logs(id, { after, limit: limits.logLinesPerCallMax })
    lines.push(...page.logs)
    after = page.logs.at(-1)?.line ?? after
    if (page.next_after === null) return { lines, after }
    after = page.next_after
  }
}

const levelColours = { debug: 'gray', info: 'green', warn: 'yellow', error: 'red' } as const

function renderLog(line: LogLine, paint: Paint): string {
  const level = paint(levelColours[line.level], line.level.padEnd(5))
  return `${paint('dim', line.time)} ${level} ${visibleText(line.message, { keepLines: true })}`
}

function createWhyCommand(session: Session) {
  return createCommand(session, {
    usage: 'why <id>',
    summary: 'say why a task is not running',
    options: connectionOptions,
    examples: [['tasklane tasks why ID', 'waits for a parent, for a worker, for its turn, …']],
    run: run =>
      run.connected(
        input => input.operand(0, 'ID', readTaskId) ?? '',
        async (client, id) => {
          const why = await client.why(id)
          const state = paintState(run.output.paint, why.status)
          run.output.document(why, () =>
            [`${id} is ${state}:`, ...why.reasons.map(reason => `  - ${visibleText(reason.detail)}`)].join('\n'),
          )
          return undefined
        },
      ),
  })
}

function createCancelCommand(session: Session) {
  return createCommand(session, {
    usage: 'cancel <id...>',
    summary: 'cancel tasks; one that runs ends when its handler has stopped',
    options: [{ flags: '--reason <text>', help: 'kept with the task' }, ...connectionOptions],
    examples: [['tasklane tasks cancel ID --reason "no longer needed"', '']],
    run: run =>
      run.connected(
        input => ({
          ids: input.operands('ID', readTaskId),
          reason: input.flag('--reason', (subject, text) => readText(subject, text, limits.titleCharsMax)) ?? undefined,
        }),
        (client, { ids, reason }) =>
          forEachTask(
            run,
            ids,
            id => client.cancel(id, reason),
            task => (task.status === 'running' ? 'is asked to stop' : `is ${task.status}`),
          ),
      ),
  })
}

function createRetryCommand(session: Session) {
  return createCommand(session, {
    usage: 'retry <id...>',
    summary: 'run failed or cancelled tasks again, with all their retries',
    options: [
      { flags: '--with-dependents', help: 'and the tasks that were cancelled because of them' },
      ...connectionOptions,
    ],
    examples: [['tasklane tasks retry ID --with-dependents', '']],
    run: run =>
      run.connected(
        input => ({ ids: input.operands('ID', readTaskId), withDependents: input.isSet('--with-dependents') }),
        (client, { ids, withDependents }) =>
          forEachTask(
            run,
            ids,
            id => client.retry(id, { withDependents }),
            task => `is ${task.status} again`,
          ),
      ),
  })
}

/** Does one thing to each task; one refusal does not keep the others from it. The exit code is the first refusal's. */
async function forEachTask(
  run: ConnectedRun,
  ids: readonly string[],
  act: (id: string) => Promise<Task>,
  say: (task: Task) => string,
): Promise<ExitCode> {
  const tasks: Task[] = []
  const refused: { task_id: string; code: string; detail: string }[] = []
  let exitCode: ExitCode = exitCodes.ok
  for (const id of ids) {
    try {
      tasks.push(await act(id))
    } catch (error) {
      const failure = describeFailure(error)
      // Without a scheduler the next one has no better luck.
      if (failure.exitCode === exitCodes.unreachable || failure.stack !== undefined || ids.length === 1) throw error
      refused.push({ task_id: id, code: failure.code, detail: failure.messages.join(' ') })
      if (exitCode === exitCodes.ok) exitCode = failure.exitCode
    }
  }
  const document = ids.length === 1 ? tasks[0] : { tasks, refused }
  const lines = tasks.map(task => `${task.task_id} ${say(task)}`)
  if (run.output.isJson || lines.length > 0) run.output.document(document, () => lines.join('\n'))
  for (const each of refused) run.output.note(`${each.task_id}: ${each.detail}`)
  return exitCode
}

function createWaitCommand(session: Session) {
  return createCommand(session, {
    usage: 'wait <id...>',
    summary: 'wait until tasks have ended and print their results',
    options: [{ flags: '--timeout <time>', help: 'wait no longer than this' }, ...connectionOptions],
    notes: 'Ctrl-C ends the wait, not the task.',
    examples: [['tasklane tasks wait ID --timeout 1m', 'exits 0, 1 failed, 7 cancelled, 124 time is up']],
    run: run =>
      run.connected(
        input => ({
          ids: input.operands('ID', readTaskId),
          timeout: input.flag('--timeout', (subject, text) =>
            readSeconds(subject, text, { min: 0, max: limits.timeoutSecondsMax }),
          ),
        }),
        async (client, { ids, timeout }) => {
          // A wait sits out the absence of a scheduler; that there is one at all is found out first.
          for (const id of ids) await client.get(id)
          const tasks = await Promise.all(ids.map(id => waitForTask(run, client, id, timeout)))
          const [only] = tasks
          if (tasks.length === 1 && only !== undefined) return reportEnd(run.output, only)
          run.output.document({ tasks }, () =>
            tasks.map(task => `${task.task_id} ${task.status} ${JSON.stringify(task.result)}`).join('\n'),
          )
          return reportEnds(tasks)
        },
      ),
  })
}

function reportEnds(tasks: readonly Task[]): ExitCode {
  const failures = tasks.map(describeEnd).filter(failure => failure !== null)
  const [first] = failures
  if (first === undefined) return exitCodes.ok
  throw new CommandFailure(first.exitCode, first.code, failures.map(failure => failure.message).join('\n'))
}
