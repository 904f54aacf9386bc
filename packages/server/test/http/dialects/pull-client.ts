import { createVirtualClock, type VirtualClock } from '../../support/virtual-clock.ts'
import { type Answer, type Node, startNode } from '../harness.ts'

/** A task as the dialect hands it out. */
export interface PullTask {
  readonly task_id: string
  readonly func: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

/** The calls of dialect E, as its clients make them, on a node in virtual time. */
export interface PullNode extends Node {
  readonly clock: VirtualClock
  add(func: string, fields?: object): Promise<string>
  /** Null where there is none. */
  get(worker: string): Promise<PullTask | null>
  /** Throws where there is none. */
  getOne(worker: string): Promise<PullTask>
  report(worker: string, id: string, status: string, fields?: object): Promise<Answer>
  beat(worker: string): Promise<Answer>
  /** As the API proper tells it. */
  task(id: string): Promise<Readonly<Record<string, unknown>>>
  attempts(id: string): Promise<readonly Readonly<Record<string, unknown>>[]>
}

export async function startPullNode(): Promise<PullNode> {
  const clock = createVirtualClock()
  const node = await startNode({ clock })
  const get = async (worker: string): Promise<PullTask | null> => {
    const answer = await node.call('GET', `/get_task/${worker}`)
    if (answer.status === 204) return null
    if (answer.status !== 200) throw new Error(answer.text)
    return answer.body as PullTask // The reply of the call; the tests look at its fields.
  }
  return {
    ...node,
    clock,
    add: async (func, fields = {}) => {
      const answer = await node.call('POST', '/add_task', { func_name: func, ...fields })
      if (answer.status !== 201) throw new Error(answer.text)
      return String(answer.body.task_id)
    },
    get,
    getOne: async worker => {
      const task = await get(worker)
      if (task === null) throw new Error(`There is no task for ${worker}.`)
      return task
    },
    report: (worker, id, status, fields = {}) =>
      node.call('POST', '/task_status', { task_id: id, status, worker_id: worker, result: null, ...fields }),
    beat: worker => node.call('PUT', `/heartbeat/${worker}`),
    task: async id => (await node.call('GET', `/api/tasks/${id}`)).body,
    attempts: async id => {
      const { attempts } = (await node.call('GET', `/api/tasks/${id}/attempts`)).body
      return attempts as readonly Readonly<Record<string, unknown>>[] // A list of objects, as the document says.
    },
  }
}
