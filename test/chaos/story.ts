import type { JournalEntry } from './journal.ts'
import type { Evidence } from './model.ts'

interface Moment {
  readonly at: number
  readonly text: string
}

/** Everything known of one task on one line of time: clients, workers, the wire, the API, and the faults meanwhile. */
export function tellStory(id: string, evidence: Evidence, journal: readonly JournalEntry[]): string {
  const own = [...ofClients(id, evidence), ...ofWorkers(id, evidence), ...ofWire(id, evidence), ...ofApi(id, evidence)]
  const times = own.map(moment => moment.at)
  const [first, last] = [Math.min(...times), Math.max(...times)]
  const around = journal.filter(({ at }) => at >= first - 3_000 && at <= last + 1_000)
  const moments = [...own, ...around.map(({ at, text }) => ({ at, text: `    fault: ${text}` }))]
  const lines = moments
    .toSorted((one, other) => one.at - other.at)
    .map(({ at, text }) => `  ${((at - first) / 1_000).toFixed(3).padStart(9)} s  ${text}`)
  const task = evidence.tasks.find(each => each.id === id)
  const end =
    task === undefined ? 'not there' : `${task.status}, result of epoch ${task.resultEpoch}, error ${task.errorCode}`
  return [`Task ${id} (${end}):`, ...lines].join('\n')
}

function ofClients(id: string, { clientLines }: Evidence): readonly Moment[] {
  const calls = new Set<string>()
  for (const line of clientLines) {
    const names = line.event === 'invoke' ? line.tasks.map(task => task.id) : line.event === 'ok' ? line.ids : []
    if (names.includes(id)) calls.add(`${line.client} ${line.call}`)
  }
  return clientLines
    .filter(line => calls.has(`${line.client} ${line.call}`))
    .map(line => {
      const status = line.event === 'invoke' ? '' : ` ${line.status}`
      return { at: line.at, text: `${line.client}: submit ${line.call}: ${line.event}${status}` }
    })
}

function ofWorkers(id: string, { workerLines }: Evidence): readonly Moment[] {
  return workerLines.flatMap(line => {
    if (line.event === 'stall' || line.task !== id) return []
    const { event, attempt, epoch, worker, pid, at, why, verdict } = line
    const more = [why, verdict].filter(word => word !== undefined).join(' ')
    return [{ at, text: `${worker} (pid ${pid}): ${event} attempt ${attempt}, epoch ${epoch} ${more}`.trimEnd() }]
  })
}

function ofWire(id: string, { verdicts }: Evidence): readonly Moment[] {
  return verdicts
    .filter(each => each.task === id)
    .map(({ at, worker, outcome, epoch, verdict }) => ({
      at,
      text: `scheduler to ${worker}: settle ${outcome}, epoch ${epoch}: ${verdict}`,
    }))
}

function ofApi(id: string, { tasks }: Evidence): readonly Moment[] {
  const task = tasks.find(each => each.id === id)
  return (task?.attempts ?? []).flatMap(({ attempt, epoch, worker, startedAt, endedAt, outcome }) => [
    { at: startedAt, text: `history: attempt ${attempt}, epoch ${epoch} handed to ${worker}` },
    ...(endedAt === null ? [] : [{ at: endedAt, text: `history: epoch ${epoch} ended as ${outcome}` }]),
  ])
}
