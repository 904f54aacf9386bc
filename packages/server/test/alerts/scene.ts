import { defaultRules } from '../../src/core/alert-defaults.ts'
import { type NodeOptions, startNode, type TestNode } from '../engine/harness.ts'
import { type CourierDouble, createCourierDouble } from '../support/courier-double.ts'
import { draft, everyTask } from '../support/drafts.ts'

/** A node with alerts, and whom they are told to. */
export interface Scene {
  readonly node: TestNode
  readonly courier: CourierDouble
  readonly channel: string
  /** Pauses the queue, with a task in it, or resumes it; then looks, and delivers. */
  setPaused(queue: string, isPaused: boolean): Promise<void>
  /** Looks, and delivers. */
  pass(): Promise<void>
}

export const url = 'https://hooks.example/1'

/** A channel, and one rule that fires at once where a queue has tasks. */
export async function setUp(options: NodeOptions = {}, channel: object = {}): Promise<Scene> {
  const courier = createCourierDouble()
  const node = await startNode({ courier, ...options })
  const { alerts } = node.engine
  for (const { id } of defaultRules) await alerts.changeRule(id, { enabled: false })
  await alerts.createRule({ name: 'Paused', kind: 'queue_paused', for: 0 })
  const made = await alerts.createChannel({ name: 'Night shift', url, ...channel })
  const pass = async (): Promise<void> => {
    await alerts.look()
    await alerts.deliver()
  }
  return {
    node,
    courier,
    channel: made.channel_id,
    pass,
    async setPaused(queue, isPaused) {
      if (isPaused && (await node.engine.tasks({ ...everyTask, queues: [queue] }, page)).tasks.length === 0) {
        await node.engine.submit([draft(`of-${queue}`, { queue })])
      }
      await node.engine.setQueue(queue, { isPaused })
      await pass()
    },
  }
}

const page = { limit: 1, cursor: null, offset: 0 }

/** The number of the first one that is open. */
export async function alertOf(node: TestNode): Promise<number> {
  const [alert] = await node.engine.alerts.open()
  if (alert === undefined) throw new Error('No alert is open.')
  return alert.number
}
