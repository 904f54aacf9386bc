import type { AttentionItem, Worker } from '@tasklane/protocol'
import type { AlertRule, Trouble } from '../../core/alert-rule.ts'
import type { Store, Waiting } from '../../ports/store.ts'
import { failing, lanesLookedMax, lookAround, serves } from '../attention.ts'
import { inPassing, readFailures } from '../failures.ts'
import { countEnded } from '../history.ts'

/** Groups of failures that are looked at, those that failed last. */
const groupsMax = 200

export interface TroublesParts {
  readonly store: Pick<Store, 'waiting' | 'failures' | 'history'>
  readonly workers: () => Promise<readonly Worker[]>
}

/**
 * Measures what these rules watch, and nothing else: bounded, however many tasks wait. Whether it is a trouble, the rules
 * say; the worst of a kind comes first.
 */
export async function readTroubles(
  { store, workers }: TroublesParts,
  rules: readonly AlertRule[],
): Promise<{ readonly nowMs: number; readonly troubles: readonly Trouble[] }> {
  const asked = rules.filter(rule => rule.isEnabled)
  const [waiting, present, failed] = await Promise.all([
    store.waiting(lanesLookedMax),
    workers(),
    failuresOf(store, asked),
  ])
  const { nowMs } = waiting
  const seen = lookAround({ waiting, present, longWaitMs: 0, lateMs: 0 })
  const secondsSince = ({ since }: AttentionItem): number =>
    since === null ? 0 : Math.max(0, Math.round((nowMs - Date.parse(since)) / 1_000))
  const byWait = [...seen.waitingLong, ...seen.late].map(item => toTrouble(item, secondsSince(item)))
  const byCount = [...seen.unserved, ...seen.lost, ...seen.paused].map(item => toTrouble(item, item.count))
  const rates = await ratesOf(store, asked, nowMs)
  return {
    nowMs,
    troubles: [...byCount, ...byWait, ...failed, ...depths(waiting), ...rates, ...fewWorkers(asked, present)],
  }
}

const nothing = { queue: null, type: null, workerId: null, fingerprint: null, of: null, windowSeconds: null }

function toTrouble(item: AttentionItem, value: number, windowSeconds: number | null = null): Trouble {
  const { kind, queue, task_type: type, worker_id: workerId, fingerprint, detail } = item
  if (kind === 'alert') throw new Error('Assertion failed: an alert is made of troubles, and is none')
  return { ...nothing, kind, queue, type, workerId, fingerprint, detail, value, windowSeconds }
}

/** One look for each of the few windows that a rule may have. */
async function failuresOf(store: Pick<Store, 'failures'>, rules: readonly AlertRule[]): Promise<readonly Trouble[]> {
  const windows = new Set(rules.flatMap(rule => (rule.kind === 'failing' ? (rule.windowSeconds ?? []) : [])))
  const found = [...windows].map(async seconds => {
    const { groups } = await readFailures(store, seconds * 1_000, groupsMax, inPassing)
    return [...groups]
      .sort((one, other) => other.count - one.count)
      .map(group => toTrouble(failing(group), group.count, seconds))
  })
  return (await Promise.all(found)).flat()
}

function depths({ lanes }: Waiting): readonly Trouble[] {
  const queues = new Map<string, number>()
  for (const { queue, pending } of lanes) queues.set(queue, (queues.get(queue) ?? 0) + pending)
  return [...queues]
    .sort(([, one], [, other]) => other - one)
    .map(([queue, value]) => {
      const detail = `${value} ${value === 1 ? 'task waits' : 'tasks wait'} in queue '${queue}'.`
      return { ...nothing, kind: 'queue_depth', queue, value, detail }
    })
}

async function ratesOf(
  store: Pick<Store, 'history'>,
  rules: readonly AlertRule[],
  nowMs: number,
): Promise<readonly Trouble[]> {
  const asked = new Map(
    rules
      .filter(rule => rule.kind === 'failure_rate')
      .map(({ queue, windowSeconds }) => [JSON.stringify([queue, windowSeconds]), { queue, windowSeconds }]),
  )
  const found = [...asked.values()].map(async ({ queue, windowSeconds }): Promise<Trouble> => {
    const seconds = windowSeconds ?? 0
    const { completed, failed } = await countEnded(store, { nowMs, windowMs: seconds * 1_000, queue })
    const of = completed + failed
    const value = of === 0 ? 0 : Math.round((failed / of) * 1_000) / 10
    const where = queue === null ? '' : ` of queue '${queue}'`
    const detail = `${value} % of the tasks${where} that ended in the last ${minutes(seconds)} failed: ${failed} of ${of}.`
    return { ...nothing, kind: 'failure_rate', queue, value, of, windowSeconds, detail }
  })
  return Promise.all(found)
}

function fewWorkers(rules: readonly AlertRule[], present: readonly Worker[]): readonly Trouble[] {
  const active = present.filter(worker => worker.status === 'active')
  const queues = new Set(rules.filter(rule => rule.kind === 'workers_few').map(rule => rule.queue))
  return [...queues].map(queue => {
    const value = queue === null ? active.length : active.filter(worker => serves(worker, queue)).length
    const count = value === 0 ? 'No live worker' : value === 1 ? '1 live worker' : `${value} live workers`
    const does =
      queue === null ? (value > 1 ? 'are there' : 'is there') : `${value > 1 ? 'serve' : 'serves'} queue '${queue}'`
    return { ...nothing, kind: 'workers_few', queue, value, detail: `${count} ${does}.` }
  })
}

function minutes(seconds: number): string {
  return seconds === 3_600 ? 'hour' : `${seconds / 60} minutes`
}
