import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Json, limits, type Task } from '@tasklane/protocol'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { CommandFailure, UsageError } from '../faults.ts'
import type { Host } from '../host.ts'
import type { Arguments } from '../input/arguments.ts'
import {
  readChoice,
  readInstant,
  readJson,
  readName,
  readNumber,
  readPair,
  readSeconds,
  readTaskId,
  readText,
} from '../input/values.ts'
import { connectionOptions, createCommand, type Session } from './command.ts'
import { waitForTask } from './wait.ts'

export function createSubmitCommand(session: Session) {
  return createCommand(session, {
    usage: 'submit <type> [json]',
    summary: 'submit a task',
    options: [
      { flags: '-p, --priority <1-10>', help: `higher runs first (default ${limits.priorityDefault})` },
      { flags: '--queue <name>', help: "the queue it waits in (default 'default')" },
      { flags: '--depends-on <ids>', help: 'tasks that must have ended before, with commas or repeated', isRepeated: true },
      { flags: '--on-dependency-failure <what>', help: 'cancel (default) or proceed when one of those fails' },
      { flags: '--delay <time>', help: 'not before this time has passed: 90, 30s, 5m, 2h, 1d' },
      { flags: '--run-at <time>', help: 'not before this time: 2030-01-31T09:00:00Z' },
      { flags: '--timeout <time>', help: `for one attempt, or 'none' (default ${limits.timeoutSecondsDefault} s)` },
      { flags: '--max-retries <n>', help: `further attempts after a failure (default ${limits.retriesDefault})` },
      { flags: '--id <id>', help: 'the task id; the same id again is the same task' },
      { flags: '--idempotency-key <key>', help: 'the same key again is the same task' },
      { flags: '--name <text>', help: 'a name for people' },
      { flags: '--label <key=value>', help: 'a label; may be repeated', isRepeated: true },
      { flags: '-w, --wait', help: 'wait until it has ended and print its result' },
      { flags: '--wait-timeout <time>', help: 'wait no longer than this; the task goes on' },
      ...connectionOptions,
    ],
    notes: "The payload is JSON: in the command line, '-' for stdin, or @FILE.",
    examples: [
      ['tasklane submit add \'{"x":1,"y":2}\' --wait', 'prints 3'],
      ['tasklane submit sleep \'{"seconds":2}\' -p 9', 'prints its id at once'],
      ['tasklane submit upper_case @text.json --delay 5m', 'payload from a file, in five minutes'],
    ],
    run: run =>
      run.connected(
        input => readSubmission(input),
        async (client, { type, payloadText, options, wait }) => {
          const payload = await readPayload(run.host, payloadText)
          const handle = await client.submit(type, payload, options)
          if (!wait.isWanted) {
            const receipt = { task_id: handle.taskId, status: handle.status, outcome: handle.outcome }
            run.output.document(receipt, () => handle.taskId)
            const already = handle.outcome === 'existing' ? 'was there already' : 'was accepted'
            run.output.note(`Task ${already}; it is ${handle.status}. See it with: tasklane tasks get ${handle.taskId}`)
            return undefined
          }
          const task = await waitForTask(run, client, handle.taskId, wait.timeoutSeconds)
          return reportEnd(run.output, task)
        },
      ),
  })
}

/** The end of a task as `--wait` tells it: its result on stdout, or why there is none. */
export function reportEnd(
  output: { readonly isJson: boolean; document(value: unknown, render: () => string): void },
  task: Task,
): ExitCode {
  if (output.isJson) output.document(task, () => '')
  else if (task.status === 'completed') output.document(task, () => JSON.stringify(task.result))
  if (task.status === 'completed') return exitCodes.ok
  const reason = task.error === null ? '' : ` ${task.error.message} (${task.error.code})`
  const attempts = task.attempt > 1 ? ` after ${task.attempt} attempts` : ''
  throw task.status === 'cancelled'
    ? new CommandFailure(exitCodes.cancelled, 'task_cancelled', `Task ${task.task_id} was cancelled.${reason}`)
    : new CommandFailure(exitCodes.failed, 'task_failed', `Task ${task.task_id} failed${attempts}.${reason}`)
}

function readSubmission(input: Arguments) {
  const type = input.operand(0, 'The task type', readName)
  if (type === null) input.fault('The task type is missing: tasklane submit TYPE [JSON].')
  const payloadText = input.operand(1, 'The payload', (subject, text) =>
    isReadElsewhere(text) ? { value: text } : withText(readJson(subject, text), text),
  )
  const delay = input.flag('--delay', (subject, text) =>
    readSeconds(subject, text, { min: 0, max: limits.delaySecondsMax }),
  )
  const runAt = input.flag('--run-at', readInstant)
  if (delay !== null && runAt !== null) input.fault('--delay and --run-at say the same thing; give one of them.')
  const waitTimeout = input.flag('--wait-timeout', (subject, text) =>
    readSeconds(subject, text, { min: 0, max: limits.timeoutSecondsMax }),
  )
  const isWanted = input.isSet('--wait') || waitTimeout !== null
  return {
    type: type ?? '',
    payloadText,
    wait: { isWanted, timeoutSeconds: waitTimeout },
    options: compact({
      priority: input.flag('--priority', (subject, text) =>
        readNumber(subject, text, { min: limits.priorityMin, max: limits.priorityMax }),
      ),
      queue: input.flag('--queue', readName),
      dependsOn: nonEmpty(input.list('--depends-on', readTaskId)),
      onDependencyFailure: input.flag('--on-dependency-failure', (subject, text) =>
        readChoice(subject, text, ['cancel', 'proceed']),
      ),
      delaySeconds: delay,
      runAt,
      timeoutSeconds: input.flag('--timeout', readTimeout),
      maxRetries: input.flag('--max-retries', (subject, text) =>
        readNumber(subject, text, { min: 0, max: limits.retriesMax, isWhole: true }),
      ),
      taskId: input.flag('--id', readTaskId),
      idempotencyKey: input.flag('--idempotency-key', (subject, text) =>
        readText(subject, text, limits.idempotencyKeyCharsMax),
      ),
      name: input.flag('--name', (subject, text) => readText(subject, text, limits.titleCharsMax)),
      labels: labelsOf(input.repeated('--label', readPair)),
    }),
  }
}
