import { type Case, finishedStates } from './case.ts'
import type { AttemptSeen, Disturbance, Kind, TaskSeen } from './model.ts'

export interface Breach {
  readonly task: string | null
  readonly sentence: string
}

interface KeptPromise {
  readonly name: string
  readonly check: (opened: Case) => readonly Breach[]
}

/** docs/guarantees.md: crashes of a worker under one task. Not read from the product: the oracle has its own book. */
const crashesMax = 3

/** In the order of the table in docs/chaos.md. */
export const promises: readonly KeptPromise[] = Object.freeze([
  { name: 'nothing is lost', check: findLost },
  { name: 'everything ends', check: findUnfinished },
  { name: 'refused is not there', check: findGhosts },
  { name: 'a repeat is not refused', check: findRefusedRepeats },
  { name: 'same key, same task', check: findDoubles },
  { name: 'accepted once', check: findAcceptedTwice },
  { name: 'the accepted result is kept', check: findForeignResults },
  { name: 'epochs rise', check: findFallenEpochs },
  { name: 'budgets hold', check: findOverruns },
  { name: 'releases are free', check: findMiscounts },
  { name: 'parents come first', check: findEarlyChildren },
  { name: 'each task ends as it must', check: findWrongEnds },
  { name: 'no crash without a fault', check: findUnexplainedCrashes },
  { name: 'poison is stopped', check: findPoison },
  { name: 'a blocked worker keeps its task', check: findTakenFromBlocked },
  { name: 'late is too late', check: findLateResults },
  { name: 'full disk', check: findAcceptedOnFullDisk },
])

function findLost({ accepted, tasks }: Case): readonly Breach[] {
  return [...accepted.keys()].flatMap(id => {
    const task = tasks.get(id)
    if (task === undefined) return [{ task: id, sentence: `Task ${id} was accepted and is not there.` }]
    if (finishedStates.has(task.status)) return []
    return [{ task: id, sentence: `Task ${id} was accepted and never ended; it is ${task.status}.` }]
  })
}

function findUnfinished({ accepted, evidence }: Case): readonly Breach[] {
  return evidence.tasks
    .filter(task => !accepted.has(task.id) && !finishedStates.has(task.status))
    .map(task => ({ task: task.id, sentence: `Task ${task.id} never ended; it is ${task.status}.` }))
}

/** A task of which every submit was refused with the word that nothing was changed. */
function findGhosts({ calls, tasks }: Case): readonly Breach[] {
  const hopeful = new Set<string>()
  const refused = new Set<string>()
  for (const { invoke, said } of calls) {
    for (const { id } of invoke.tasks) if (id !== null) (said === 'fail' ? refused : hopeful).add(id)
  }
  return [...refused]
    .filter(id => !hopeful.has(id) && tasks.has(id))
    .map(id => ({ task: id, sentence: `Every submit of task ${id} was refused, and it is there.` }))
}

/** What clients send here is valid: a refusal other than "not now" is a broken promise. */
function findRefusedRepeats({ calls }: Case): readonly Breach[] {
  return calls
    .filter(call => call.said === 'fail' && call.status < 500 && call.status !== 429)
    .map(({ invoke, status, detail }) => ({
      task: invoke.tasks[0]?.id ?? null,
      sentence: `Call ${invoke.call} of ${invoke.client} was refused with ${status}: ${detail}`,
    }))
}

function findDoubles({ calls, evidence }: Case): readonly Breach[] {
  const idsOfKey = new Map<string, Set<string>>()
  const add = (key: string, id: string): void => {
    idsOfKey.set(key, (idsOfKey.get(key) ?? new Set()).add(id))
  }
  for (const { invoke, ids } of calls) {
    for (const [at, id] of ids.entries()) {
      const key = invoke.tasks[at]?.key
      if (typeof key === 'string') add(key, id)
    }
  }
  for (const { key, id } of evidence.tasks) if (key !== null) add(key, id)
  return [...idsOfKey]
    .filter(([, ids]) => ids.size > 1)
    .map(([key, ids]) => ({
      task: [...ids][0] ?? null,
      sentence: `Key ${key} is of ${ids.size} tasks: ${[...ids].join(', ')}.`,
    }))
}

function findAcceptedTwice({ tasks, verdicts, evidence }: Case): readonly Breach[] {
  const breaches: Breach[] = []
  for (const [id, seen] of verdicts) {
    const epochs = new Set(
      seen.filter(each => each.verdict === 'applied' && each.outcome === 'completed').map(each => each.epoch),
    )
    if (epochs.size > 1) {
      breaches.push({ task: id, sentence: `Task ${id} was accepted as completed in epochs ${[...epochs].join(', ')}.` })
    }
    if (epochs.size > 0 && tasks.get(id)?.status !== 'completed') {
      const sentence = `Task ${id} was accepted as completed and is ${tasks.get(id)?.status ?? 'not there'}.`
      breaches.push({ task: id, sentence })
    }
  }
  for (const task of evidence.tasks) {
    const completed = task.attempts.filter(attempt => attempt.outcome === 'completed')
    if (completed.length > 1) {
      breaches.push({ task: task.id, sentence: `Task ${task.id} has ${completed.length} completed attempts.` })
    }
  }
  return breaches
}

/** A result says in which epoch it was made: the attempt that was accepted, which a worker wrote down beforehand. */
function findForeignResults({ evidence, ends, verdicts }: Case): readonly Breach[] {
  return evidence.tasks
    .filter(task => task.status === 'completed')
    .flatMap(task => {
      const { id, resultEpoch } = task
      const accepted = task.attempts.find(attempt => attempt.outcome === 'completed')
      if (accepted?.epoch !== resultEpoch) {
        const sentence = `Task ${id} keeps the result of epoch ${resultEpoch}, and its completed attempt is of epoch ${accepted?.epoch ?? 'none'}.`
        return [{ task: id, sentence }]
      }
      const wasSaid = (ends.get(id) ?? []).some(line => line.epoch === resultEpoch && line.worker === accepted?.worker)
      if (!wasSaid) {
        return [{ task: id, sentence: `Task ${id} keeps a result of epoch ${resultEpoch} that no worker wrote down.` }]
      }
      const applied = (verdicts.get(id) ?? []).find(
        each => each.verdict === 'applied' && each.outcome === 'completed' && each.epoch !== resultEpoch,
      )
      if (applied === undefined) return []
      const sentence = `Task ${id}: epoch ${applied.epoch} was told applied, and the result of epoch ${resultEpoch} is kept.`
      return [{ task: id, sentence }]
    })
}

function findFallenEpochs({ starts, evidence }: Case): readonly Breach[] {
  return [...starts].flatMap(([id, lines]) =>
    lines.slice(1).flatMap((line, at) => {
      const before = lines[at]
      if (before === undefined || line.epoch > before.epoch) return []
      // A process that is stopped between its claim and its handler starts late, by rights: its settle will be stale.
      const isPaused = evidence.disturbances.some(
        each => each.worker === line.worker && covers(each, line.at, evidence),
      )
      if (line.epoch < before.epoch && isPaused) return []
      const sentence = `Task ${id} was started by ${line.worker} in epoch ${line.epoch} after ${before.worker} had started it in epoch ${before.epoch}.`
      return [{ task: id, sentence }]
    }),
  )
}

function findOverruns(opened: Case): readonly Breach[] {
  const { starts, tasks } = opened
  return [...starts].flatMap(([id, lines]) => {
    const task = tasks.get(id)
    if (task === undefined) return [{ task: id, sentence: `Task ${id} was started and is not there.` }]
    const had = (...outcomes: readonly string[]): number =>
      task.attempts.filter(attempt => outcomes.includes(attempt.outcome)).length
    const retries = retriesOf(opened, task)
    const most = retries + 1 + crashesMax + had('released')
    const breaches: string[] = []
    if (lines.length > most) breaches.push(`was started ${lines.length} times, and its budgets allow ${most}`)
    if (had('crashed') > crashesMax) breaches.push(`has ${had('crashed')} crashes, and the budget is ${crashesMax}`)
    if (had('failed', 'timeout') > retries + 1) {
      breaches.push(`failed ${had('failed', 'timeout')} times, and its budget is ${retries + 1}`)
    }
    const highest = Math.max(...lines.map(line => line.attempt))
    if (highest > retries + crashesMax) breaches.push(`came to attempt ${highest}`)
    return breaches.map(what => ({ task: id, sentence: `Task ${id} ${what}.` }))
  })
}

/** Failures and crashes count, releases do not: the attempt a handler was told is one more than what went wrong before. */
function findMiscounts({ starts, tasks }: Case): readonly Breach[] {
  const charged: ReadonlySet<string> = new Set(['failed', 'timeout', 'crashed'])
  return [...starts].flatMap(([id, lines]) =>
    lines.flatMap(({ epoch, attempt, worker }) => {
      const before = (tasks.get(id)?.attempts ?? []).filter(each => each.epoch < epoch && charged.has(each.outcome))
      if (attempt === before.length + 1) return []
      const sentence = `Task ${id} was started by ${worker} in epoch ${epoch} as attempt ${attempt}, after ${before.length} that were charged.`
      return [{ task: id, sentence }]
    }),
  )
}

function findEarlyChildren(opened: Case): readonly Breach[] {
  const { tasks, starts, ends } = opened
  return [...tasks.values()].flatMap(child =>
    child.parents.flatMap(parentId => {
      const first = starts.get(child.id)?.[0]
      if (first === undefined) return []
      const parent = tasks.get(parentId)
      if (parent?.status !== 'completed') {
        const sentence = `Task ${child.id} was started, and its parent ${parentId} is ${parent?.status ?? 'not there'}.`
        return [{ task: child.id, sentence }]
      }
      const end = (ends.get(parentId) ?? []).find(line => line.epoch === parent.resultEpoch)
      if (end === undefined || end.mono > first.mono) {
        const sentence = `Task ${child.id} was started before its parent ${parentId} had ended.`
        return [{ task: child.id, sentence }]
      }
      const told = first.parents?.[parentId]
      if (told?.[0] === 'completed' && told[1] === parent.resultEpoch) return []
      const sentence = `Task ${child.id} was told ${JSON.stringify(told)} of its parent ${parentId}, whose result is of epoch ${parent.resultEpoch}.`
      return [{ task: child.id, sentence }]
    }),
  )
}

const badEnds: Readonly<Partial<Record<Kind, string>>> = { hopeless: 'failed', orphan: 'cancelled', poison: 'failed' }

function findWrongEnds({ tasks }: Case): readonly Breach[] {
  return [...tasks.values()].flatMap(task => {
    if (!finishedStates.has(task.status)) return []
    const expected = badEnds[task.kind] ?? 'completed'
    if (task.status === expected) return []
    // Three faults may meet one task. Whether each of its crashes has its fault is asked below; a neighbour has none.
    if (task.errorCode === 'poisoned' && task.kind !== 'neighbour') return []
    const hasBadParent = task.parents.some(id => tasks.get(id)?.status !== 'completed')
    if (task.status === 'cancelled' && task.errorCode === 'dependency_failed' && hasBadParent) return []
    const sentence = `Task ${task.id} (${task.kind}) ended ${task.status} (${task.errorCode}) instead of ${expected}.`
    return [{ task: task.id, sentence }]
  })
}

/** A lease may run out only under somebody who was killed, stopped, cut off or starved, or while the scheduler was. */
function findUnexplainedCrashes({ tasks, evidence }: Case): readonly Breach[] {
  const all = everyDisturbance(evidence)
  return [...tasks.values()]
    .filter(task => task.kind !== 'poison' && task.kind !== 'blocking')
    .flatMap(task =>
      task.attempts
        .filter(
          attempt => attempt.outcome === 'crashed' && !all.some(each => explains(each, attempt, evidence.lingerMs)),
        )
        .map(({ epoch, worker }) => ({
          task: task.id,
          sentence: `Task ${task.id} was taken from ${worker} in epoch ${epoch} as crashed, and no fault had met that worker.`,
        })),
    )
}

function everyDisturbance({ disturbances, workerLines }: Case['evidence']): readonly Disturbance[] {
  const stalls = workerLines.flatMap((line): readonly Disturbance[] =>
    line.event === 'stall'
      ? [{ worker: line.worker, fromMs: line.at - line.gapMs, toMs: line.at, what: 'no processor' }]
      : [],
  )
  return [...disturbances, ...stalls]
}

function explains({ worker, fromMs, toMs }: Disturbance, attempt: AttemptSeen, lingerMs: number): boolean {
  if (worker !== null && worker !== attempt.worker) return false
  return fromMs <= (attempt.endedAt ?? Number.POSITIVE_INFINITY) && toMs + lingerMs >= attempt.startedAt
}

function covers({ fromMs, toMs }: Disturbance, at: number, { lingerMs }: Case['evidence']): boolean {
  return fromMs <= at && at <= toMs + lingerMs
}

function findPoison({ tasks, starts, evidence }: Case): readonly Breach[] {
  return [...tasks.values()]
    .filter(task => task.kind === 'poison' && finishedStates.has(task.status))
    .flatMap(task => {
      const crashes = task.attempts.filter(attempt => attempt.outcome === 'crashed').length
      const begun = starts.get(task.id)?.length ?? 0
      // Of several nodes one may hand it out and be cut off before anybody hears of it: a crash, too.
      const isCounted = evidence.nodes > 1 ? begun <= crashesMax : begun === crashesMax
      if (task.errorCode === 'poisoned' && crashes === crashesMax && isCounted) return []
      const sentence = `Poison task ${task.id} killed ${begun} workers, was charged ${crashes} crashes and ended ${task.status} (${task.errorCode}); the budget is ${crashesMax}.`
      return [{ task: task.id, sentence }]
    })
}

/** One scheduler knows that it could not hear; of several, one takes the lease of whom another could not hear. */
function findTakenFromBlocked({ tasks, starts, evidence }: Case): readonly Breach[] {
  const all = evidence.nodes > 1 ? everyDisturbance(evidence) : []
  const isExplained = (attempt: AttemptSeen): boolean =>
    attempt.outcome === 'completed' || all.some(each => explains(each, attempt, evidence.lingerMs))
  return [...tasks.values()]
    .filter(task => task.kind === 'blocking')
    .flatMap(task => {
      const begun = starts.get(task.id)?.length ?? 0
      if (begun <= 1 || (all.length > 0 && task.attempts.every(isExplained))) return []
      const sentence = `Task ${task.id} only blocked the event loop of its worker, and was started ${begun} times.`
      return [{ task: task.id, sentence }]
    })
}

function findLateResults({ tasks }: Case): readonly Breach[] {
  return [...tasks.values()]
    .filter(task => task.isLate)
    .map(task => ({ task: task.id, sentence: `Task ${task.id} keeps a result that came after its time limit.` }))
}

/** A repeat that is answered with the first task (200) takes no room; anything new (201) would. */
function findAcceptedOnFullDisk({ calls, evidence }: Case): readonly Breach[] {
  return evidence.fullDisks.flatMap(({ fromMs, toMs }) =>
    calls
      .filter(call => call.said === 'ok' && call.status === 201 && call.invoke.at > fromMs && call.endedAt < toMs)
      .map(({ invoke, ids }) => ({
        task: ids[0] ?? null,
        sentence: `Call ${invoke.call} of ${invoke.client} was accepted while the disk was full.`,
      })),
  )
}

/** As its client said; what the API tells only where no client is known to have said it. */
function retriesOf({ accepted }: Case, task: TaskSeen): number {
  return accepted.get(task.id)?.maxRetries ?? task.maxRetries
}
