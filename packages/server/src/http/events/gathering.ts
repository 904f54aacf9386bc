import type { TaskId } from '../../core/task.ts'
import type { News, TaskChange } from '../../engine/engine.ts'

/** What changed since the last message went out: the last word about each task, and how many more there were. */
export interface Gathering {
  add(news: News): void
  isEmpty(): boolean
  /** All of it; what comes next begins anew. */
  take(): Gathered
}

export interface Gathered {
  readonly tasks: Told<TaskChange>
  readonly workers: Told<string>
  readonly queues: Told<string>
  /** By number; rules and channels are among the others. */
  readonly alerts: Told<number>
}

export interface Told<Change> {
  readonly changed: readonly Change[]
  /** How many others changed: at another node, or above the bound. */
  readonly more: number
}

/** Tasks that one message tells by name; a flood is told by number, and whoever shows it looks again. */
export const namedTasksMax = 500
const namesMax = 100

export function createGathering(): Gathering {
  const tasks = createPile<TaskId, TaskChange>(namedTasksMax)
  const workers = createPile<string, string>(namesMax)
  const queues = createPile<string, string>(namesMax)
  const alerts = createPile<number, number>(namesMax)
  const piles = [tasks, workers, queues, alerts]

  return Object.freeze<Gathering>({
    add(news) {
      if (news.kind === 'tasks') {
        tasks.addOthers(news.others)
        for (const change of news.changes) tasks.add(change.id, change, before => ({ ...before, ...change }))
      } else if (news.kind === 'workers') addNames(workers, news.ids, news.others)
      else if (news.kind === 'queues') addNames(queues, news.names, news.others)
      else addNames(alerts, news.numbers, news.others)
    },
    isEmpty: () => piles.every(pile => pile.isEmpty()),
    take: () => ({ tasks: tasks.take(), workers: workers.take(), queues: queues.take(), alerts: alerts.take() }),
  })
}

interface Pile<Key, Change> {
  add(key: Key, change: Change, merge?: (before: Change) => Change): void
  addOthers(count: number): void
  isEmpty(): boolean
  take(): Told<Change>
}

/** Up to so many by their keys, and the number of all others. */
function createPile<Key, Change>(most: number): Pile<Key, Change> {
  let changed = new Map<Key, Change>()
  let more = 0

  return {
    add(key, change, merge = () => change) {
      const before = changed.get(key)
      if (before !== undefined) changed.set(key, merge(before))
      else if (changed.size < most) changed.set(key, change)
      else more += 1
    },
    addOthers(count) {
      more += count
    },
    isEmpty: () => changed.size + more === 0,
    take() {
      const told = { changed: [...changed.values()], more }
      changed = new Map()
      more = 0
      return told
    },
  }
}

function addNames<Name>(pile: Pile<Name, Name>, names: readonly Name[], others: number): void {
  pile.addOthers(others)
  for (const name of names) pile.add(name, name)
}
