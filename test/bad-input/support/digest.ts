import type { LiveNode } from './node.ts'

/** What the node holds, in a form that two looks can be compared by: everything but clocks and rates. */
export interface Digest {
  /** Tasks in all. */
  readonly tasks: number
  readonly text: string
}

/** Tasks beyond one page would not be compared one by one; the counts would still be. */
const pageMax = 500

export async function readDigest(node: LiveNode): Promise<Digest> {
  const [stats, tasks, queues, workers, ...alerts] = await Promise.all([
    node.get('/api/stats'),
    node.get(`/api/tasks?limit=${pageMax}`),
    node.get('/api/queues'),
    node.get('/api/workers'),
    node.get('/api/alerts'),
    node.get('/api/alerts/rules'),
    node.get('/api/alerts/channels'),
  ])
  const { total, tasks: counts } = Object(stats.body)
  const held = {
    counts,
    tasks: Object(tasks.body).tasks,
    queues: list(queues.body, 'queues').map(({ name, paused, counts: own }) => ({ name, paused, counts: own })),
    workers: list(workers.body, 'workers').map(({ last_heartbeat: _, ...rest }) => rest),
    alerts: alerts.map(reply => reply.body),
  }
  if (typeof total !== 'number' || !Array.isArray(held.tasks)) throw new Error('The node did not tell what it holds.')
  return { tasks: total, text: JSON.stringify(held) }
}

// The shapes are those of the API; a wrong guess would make every comparison fail.
function list(body: unknown, name: string): Readonly<Record<string, unknown>>[] {
  return Object(body)[name] ?? []
}
