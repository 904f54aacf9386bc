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
  readonly tasks: readonly TaskChange[]
  readonly others: number
  readonly workers: readonly string[]
  readonly queues: readonly string[]
  readonly alerts: readonly number[]
  /** Changes of alerts that are not told by number, of rules and channels among them. */
  readonly otherAlerts: number
}

/** Tasks that one message tells by name; a flood is told by number, and whoever shows it looks again. */
export const namedTasksMax = 500
const namesMax = 100

export function createGathering(): Gathering {
  let tasks = new Map<TaskId, TaskChange>()
  let others = 0
  let workers = new Set<string>()
  let queues = new Set<string>()
  let alerts = new Set<number>()
  let otherAlerts = 0

  function addTask(change: TaskChange): void {
    const before = tasks.get(change.id)
    if (before === undefined && tasks.size >= namedTasksMax) others += 1
    else tasks.set(change.id, before === undefined ? change : { ...before, ...change })
  }

  return Object.freeze<Gathering>({
    add(news) {
      if (news.kind === 'tasks') {
        others += news.others
        for (const change of news.changes) addTask(change)
      } else if (news.kind === 'alerts') {
        otherAlerts += news.others
        for (const number of news.numbers) {
          if (alerts.size < namesMax) alerts.add(number)
          else if (!alerts.has(number)) otherAlerts += 1
        }
      } else {
        const [names, into] = news.kind === 'workers' ? [news.ids, workers] : [news.names, queues]
        // Above the bound one name more says as much as all of them: look again.
        for (const name of names) if (into.size < namesMax) into.add(name)
      }
    },
    isEmpty: () => tasks.size + others + workers.size + queues.size + alerts.size + otherAlerts === 0,
    take() {
      const gathered = {
        ...{ tasks: [...tasks.values()], others, workers: [...workers], queues: [...queues] },
        ...{ alerts: [...alerts], otherAlerts },
      }
      tasks = new Map()
      others = 0
      workers = new Set()
      queues = new Set()
      alerts = new Set()
      otherAlerts = 0
      return gathered
    },
  })
}
