import { join } from 'node:path'
import type { Api, Reply } from './api.ts'
import { openRecord } from './fixtures/record.mjs'
import type { Kind } from './model.ts'
import { pause } from './waiting.ts'

export interface OwnTask {
  readonly id: string
  readonly kind: Kind
  readonly type: string
  readonly queue: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly maxRetries: number
  readonly timeout?: number
}

export type Said = 'ok' | 'fail' | 'unknown'

/** The run's own submits, written down as those of the clients are: what a fault needs to be done to. */
export interface Submitter {
  once(task: OwnTask): Promise<Said>
  /** Repeats it until it is accepted. False where the run was called off first. */
  insist(task: OwnTask): Promise<boolean>
}

export function createSubmitter(folder: string, api: Api, signal: AbortSignal): Submitter {
  const record = openRecord(join(folder, 'run.1.client.jsonl'))
  let calls = 0

  async function once(task: OwnTask): Promise<Said> {
    calls += 1
    const call = calls
    const { id, kind, maxRetries } = task
    record('invoke', { client: 'run', call, tasks: [{ id, key: null, kind, parents: [], maxRetries }] })
    const reply = await api.post('/api/tasks', {
      task_id: id,
      task_type: task.type,
      queue: task.queue,
      payload: { kind, ...task.payload },
      max_retries: maxRetries,
      // Before the clients' tasks: a fault waits for what it submits.
      priority: 10,
      ...(task.timeout === undefined ? {} : { timeout: task.timeout }),
    })
    const said = sayOf(reply)
    const status = reply?.status ?? 0
    record(said, {
      client: 'run',
      call,
      status,
      ...(said === 'ok' ? { ids: [id] } : { detail: memberOf(reply, 'detail') }),
    })
    return said
  }

  return Object.freeze<Submitter>({
    once,
    insist: async task => {
      while (!signal.aborted) {
        if ((await once(task)) === 'ok') return true
        await pause(100, signal)
      }
      return false
    },
  })
}

/** A refusal that says that nothing was changed is a failure; any other trouble leaves the outcome open. */
function sayOf(reply: Reply | null): Said {
  if (reply === null) return 'unknown'
  if (reply.status >= 200 && reply.status < 300) return 'ok'
  if (reply.status < 500) return 'fail'
  return reply.status === 503 && memberOf(reply, 'code') !== 'outcome_unknown' ? 'fail' : 'unknown'
}

/** Of a problem document. */
function memberOf(reply: Reply | null, name: 'code' | 'detail'): string {
  const body = reply?.body
  return typeof body === 'object' && body !== null && name in body ? String(Reflect.get(body, name)) : ''
}
