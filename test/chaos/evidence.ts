import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Attempt, Task } from '@tasklane/protocol'
import type { Api } from './api.ts'
import type { AttemptSeen, ClientLine, Kind, TaskSeen, WorkerLine } from './model.ts'
import { readText } from './processes.ts'

/** Every whole line of the files with this ending. The last line of a process that was killed may be torn. */
export function readLines<L extends WorkerLine | ClientLine>(folder: string, ending: string): readonly L[] {
  return readdirSync(folder)
    .filter(name => name.endsWith(ending))
    .flatMap(name => {
      const whole = readText(join(folder, name)).split('\n').slice(0, -1)
      return whole.map(line => JSON.parse(line) as L) // Written by the fixtures in this form.
    })
}

/** A page holds few enough tasks that the large ones among them make no reply of hundreds of megabytes. */
const pageTasks = 100
const pagesMax = 10_000
const callsAtOnce = 16

/** All tasks that the API knows, with their attempts. */
export async function readTasks(api: Api): Promise<readonly TaskSeen[]> {
  const tasks: Omit<TaskSeen, 'attempts'>[] = []
  let cursor = ''
  for (let page = 0; page < pagesMax; page += 1) {
    const reply = await ask(api, `/api/tasks?limit=${pageTasks}${cursor}`)
    const { tasks: some, next_cursor } = reply as { tasks: readonly Task[]; next_cursor: string | null } // The protocol's TaskPage.
    tasks.push(...some.map(seen))
    if (next_cursor === null) break
    cursor = `&cursor=${encodeURIComponent(next_cursor)}`
  }
  return withAttempts(api, tasks)
}

async function withAttempts(api: Api, tasks: readonly Omit<TaskSeen, 'attempts'>[]): Promise<readonly TaskSeen[]> {
  const all: TaskSeen[] = []
  let next = 0
  const readSome = async (): Promise<void> => {
    for (let task = tasks[next++]; task !== undefined; task = tasks[next++]) {
      const reply = await ask(api, `/api/tasks/${encodeURIComponent(task.id)}/attempts`)
      const { attempts } = reply as { attempts: readonly Attempt[] } // The protocol's list of attempts.
      all.push({ ...task, attempts: attempts.map(attemptSeen) })
    }
  }
  await Promise.all(Array.from({ length: callsAtOnce }, readSome))
  return all
}

function seen(task: Task): Omit<TaskSeen, 'attempts'> {
  return {
    id: task.task_id,
    key: task.idempotency_key,
    kind: Object(task.payload).kind as Kind, // Every submit of a run carries its kind.
    status: task.status,
    maxRetries: task.max_retries,
    parents: task.dependencies,
    resultEpoch: Object(task.result).epoch ?? null,
    isLate: Object(task.result).late === true,
    errorCode: task.error?.code ?? null,
  }
}

function attemptSeen({ attempt, epoch, worker_id, started_at, ended_at, outcome }: Attempt): AttemptSeen {
  return {
    attempt,
    epoch,
    worker: worker_id,
    startedAt: Date.parse(started_at),
    endedAt: ended_at === null ? null : Date.parse(ended_at),
    outcome,
  }
}

async function ask(api: Api, path: string): Promise<unknown> {
  for (let tries = 1; ; tries += 1) {
    const reply = await api.get(path, 20_000)
    if (reply?.status === 200) return reply.body
    if (tries === 3) throw new Error(`GET ${path} was answered ${reply?.status ?? 'nothing'} by a healed scheduler.`)
  }
}
