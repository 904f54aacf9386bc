import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Json, limits } from '@tasklane/protocol'
import type { SubmitOptions } from '@tasklane/sdk'
import { UsageError } from '../faults.ts'
import type { Host } from '../host.ts'
import type { Arguments } from '../input/arguments.ts'
import {
  type Reading,
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
import { reportEnd, waitForTask } from './wait.ts'

export function createSubmitCommand(session: Session) {
  return createCommand(session, {
    usage: 'submit <type> [json]',
    summary: 'submit a task',
    options: [
      { flags: '-p, --priority <1-10>', help: `higher runs first (default ${limits.priorityDefault})` },
      { flags: '--queue <name>', help: "the queue it waits in (default 'default')" },
      {
        flags: '--depends-on <ids>',
        help: 'tasks that must have ended before, with commas or repeated',
        isRepeated: true,
      },
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
        input => readSubmission(input, run.host),
        async (client, { type, payload: read, options, wait }) => {
          const payload = read === 'on_stdin' ? await readStdin(run.host) : read.value
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

async function readSubmission(input: Arguments, host: Host) {
  const type = input.operand(0, 'The task type', readName)
  if (type === null) input.fault('The task type is missing: tasklane submit TYPE [JSON].')
  const payload = await readPayload(input, host)
  const wait = input.flag('--wait-timeout', span(0, limits.timeoutSecondsMax))
  return {
    type: type ?? '',
    payload,
    wait: { isWanted: input.isSet('--wait') || wait !== null, timeoutSeconds: wait },
    options: { ...readTimes(input), ...readOrder(input), ...readNames(input) },
  }
}

function readTimes(input: Arguments): SubmitOptions {
  const delay = input.flag('--delay', span(0, limits.delaySecondsMax))
  const runAt = input.flag('--run-at', readInstant)
  if (delay !== null && runAt !== null) input.fault('--delay and --run-at say the same thing; give one of them.')
  const timeout = input.flag('--timeout', readTimeout)
  const maxRetries = input.flag('--max-retries', count(0, limits.retriesMax))
  return {
    ...(delay === null ? {} : { delay }),
    ...(runAt === null ? {} : { runAt }),
    ...(timeout === null ? {} : { timeout: timeout === 'none' ? null : timeout }),
    ...(maxRetries === null ? {} : { maxRetries }),
  }
}

function readOrder(input: Arguments): SubmitOptions {
  const priority = input.flag('--priority', (subject, text) =>
    readNumber(subject, text, { min: limits.priorityMin, max: limits.priorityMax }),
  )
  const queue = input.flag('--queue', readName)
  const dependsOn = input.list('--depends-on', readTaskId)
  const onDependencyFailure = input.flag('--on-dependency-failure', (subject, text) =>
    readChoice(subject, text, ['cancel', 'proceed']),
  )
  if (dependsOn.length > limits.dependenciesMax) {
    input.fault(`--depends-on takes at most ${limits.dependenciesMax} tasks, not ${dependsOn.length}.`)
  }
  return {
    ...(priority === null ? {} : { priority }),
    ...(queue === null ? {} : { queue }),
    ...(dependsOn.length === 0 ? {} : { dependsOn }),
    ...(onDependencyFailure === null ? {} : { onDependencyFailure }),
  }
}

function readNames(input: Arguments): SubmitOptions {
  const taskId = input.flag('--id', readTaskId)
  const idempotencyKey = input.flag('--idempotency-key', (subject, text) =>
    readText(subject, text, limits.idempotencyKeyCharsMax),
  )
  const name = input.flag('--name', (subject, text) => readText(subject, text, limits.titleCharsMax))
  const labels = input.repeated('--label', readPair)
  if (labels.length > limits.labelsMax) input.fault(`--label may be given ${limits.labelsMax} times at most.`)
  return {
    ...(taskId === null ? {} : { taskId }),
    ...(idempotencyKey === null ? {} : { idempotencyKey }),
    ...(name === null ? {} : { name }),
    ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) }),
  }
}

function readTimeout(subject: string, text: string): Reading<number | 'none'> {
  if (text === 'none') return { value: 'none' }
  const reading = readSeconds(subject, text, { min: 0, max: limits.timeoutSecondsMax })
  if ('value' in reading && reading.value === 0) return { fault: `${subject} takes more than 0 seconds, or 'none'.` }
  return reading
}

function span(min: number, max: number) {
  return (subject: string, text: string) => readSeconds(subject, text, { min, max })
}

function count(min: number, max: number) {
  return (subject: string, text: string) => readNumber(subject, text, { min, max, isWhole: true })
}

/** The payload of the command line or of a file ('@FILE'), checked; stdin ('-') is read when all else is right. */
async function readPayload(input: Arguments, host: Host): Promise<'on_stdin' | { readonly value: Json | undefined }> {
  const text = input.operand(1, 'The payload', (_subject, word) => ({ value: word }))
  if (text === '-') return 'on_stdin'
  if (text === null) return { value: undefined }
  const reading = text.startsWith('@') ? await readPayloadFile(host, text.slice(1)) : readJson('The payload', text)
  if ('value' in reading) return reading
  input.fault(reading.fault)
  return { value: undefined }
}

async function readPayloadFile(host: Host, path: string): Promise<Reading<Json>> {
  try {
    return readJson(`The payload in ${path}`, await readFile(resolve(host.cwd, path), 'utf8'))
  } catch (error) {
    return { fault: `The payload cannot be read: ${error instanceof Error ? error.message : String(error)}.` }
  }
}

async function readStdin(host: Host): Promise<Json> {
  const chunks: Buffer[] = []
  for await (const chunk of host.stdin) chunks.push(Buffer.from(chunk))
  const reading = readJson('The payload on stdin', Buffer.concat(chunks).toString('utf8'))
  if ('fault' in reading) throw new UsageError([reading.fault])
  return reading.value
}
