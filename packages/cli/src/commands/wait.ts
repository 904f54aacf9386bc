import type { Task, TaskState } from '@tasklane/protocol'
import type { SchedulerClient } from '../connection.ts'
import type { ExitCode } from '../exit-codes.ts'
import { exitCodes } from '../exit-codes.ts'
import { CommandFailure } from '../faults.ts'
import { Interruption } from '../host.ts'
import type { Output } from '../output/output.ts'
import { visibleText } from '../output/text-width.ts'
import type { CommandRun } from './command.ts'
import { exitCodeOfSignal } from './stopping.ts'

/** When a person begins to wonder why nothing happens. */
const explainAfterMs = 3_000

/**
 * Waits until a task has ended. Ctrl-C ends the wait and not the task.
 * @throws CommandFailure when the wait ends before the task does; it says how to wait again
 */
export async function waitForTask(
  run: CommandRun,
  client: SchedulerClient,
  taskId: string,
  timeoutSeconds: number | null,
): Promise<Task> {
  const { host } = run
  const interrupts = host.interrupts.listen(name => host.exit(exitCodeOfSignal(name)))
  const over = new AbortController()
  const explanation = explain(run, client, taskId, over.signal)
  try {
    return await client.wait(taskId, {
      signal: interrupts.signal,
      ...(timeoutSeconds === null ? {} : { timeoutMs: timeoutSeconds * 1_000 }),
    })
  } catch (error) {
    const again = `Wait again with: tasklane tasks wait ${taskId}`
    if (interrupts.signal.reason instanceof Interruption) {
      const exitCode = exitCodeOfSignal(interrupts.signal.reason.signalName)
      throw new CommandFailure(exitCode, 'detached', `No longer waiting; task ${taskId} goes on. ${again}`)
    }
    if (error instanceof Error && error.name === 'WaitTimeoutError') {
      const text = `Task ${taskId} has not ended within ${timeoutSeconds} s; it goes on. ${again}`
      throw new CommandFailure(exitCodes.timeout, 'wait_timeout', text)
    }
    throw error
  } finally {
    over.abort()
    interrupts.release()
    await explanation
  }
}

/** Says once, after a while, why the task is not running: most often no worker is there. */
async function explain(run: CommandRun, client: SchedulerClient, taskId: string, over: AbortSignal): Promise<void> {
  try {
    await run.host.sleep(explainAfterMs, over)
    const why = await client.why(taskId)
    const waiting: readonly TaskState[] = ['pending', 'blocked', 'scheduled']
    if (over.aborted || !waiting.includes(why.status)) return
    for (const reason of why.reasons) run.output.note(visibleText(`Still ${why.status}: ${reason.detail}`))
  } catch {
    // Only an explanation; the wait itself reports what goes wrong.
  }
}

/** The end of a task as `--wait` tells it: its result on stdout, or why there is none. */
export function reportEnd(output: Output, task: Task): ExitCode {
  if (output.isJson || task.status === 'completed') output.document(task, () => JSON.stringify(task.result))
  const failure = describeEnd(task)
  if (failure === null) return exitCodes.ok
  throw failure
}

/** Null where the task completed. */
export function describeEnd(task: Task): CommandFailure | null {
  if (task.status === 'completed') return null
  const reason = task.error === null ? '' : ` ${task.error.message} (${task.error.code})`
  if (task.status === 'cancelled') {
    return new CommandFailure(exitCodes.cancelled, 'task_cancelled', `Task ${task.task_id} was cancelled.${reason}`)
  }
  const attempts = task.attempt > 1 ? ` after ${task.attempt} attempts` : ''
  const text = `Task ${task.task_id} failed${attempts}:${reason}. More: tasklane tasks get ${task.task_id}`
  return new CommandFailure(exitCodes.failed, 'task_failed', text)
}
