import { isStoreAway, Problem } from '../core/problem.ts'
import type { Clock } from '../ports/clock.ts'
import type {
  BeatVerdict,
  Changes,
  ClaimAsk,
  ClaimedTask,
  ExchangeBatch,
  ExchangeOutcome,
  LaneCount,
  Settlement,
  SettleResult,
  Store,
  SubmitGroup,
  SubmitVerdict,
  WorkerBeat,
} from '../ports/store.ts'
import { createFlow, type Found } from './flow.ts'
import { lanesOf, sumOf, without } from './lane-counts.ts'
import { createSubmitLine, type SubmitCommand } from './submit-line.ts'

/**
 * Group commit. Every hot call of this node comes through here, and all that arrived while the last commit ran shares
 * the next one: a disk sync costs the same for one task and for a thousand. When nothing is under way a call commits at
 * once; it never waits to fill a batch. Submits alone may wait for claims that are about to come (`engine/flow.ts`).
 *
 * A claim that found nothing is parked (`engine/claim.ts`). The exchange that brings a matching submit takes it along, and
 * one that brings settles takes the first few, since what ends may release a child: from submit to claim, and from one
 * layer of a graph to the next, costs one commit.
 */
export interface Committer {
  settle(settlements: readonly Settlement[]): Promise<readonly SettleResult[]>
  submit(groups: readonly SubmitGroup[]): Promise<readonly SubmitVerdict[]>
  beat(beat: WorkerBeat): Promise<BeatVerdict>
  claim(ask: ClaimAsk): Promise<readonly ClaimedTask[]>
  /** For how long the oldest exchange has been under way; 0 where none is. */
  lateMs(): number
  /** Resolves when nothing is queued or under way. */
  idle(): Promise<void>
}

export interface CommitterParts {
  readonly store: Store
  readonly clock: Clock
  /** Parked claims that the lanes of the submits under way can feed; they join the exchange. */
  readonly takeParked: (lanes: readonly LaneCount[]) => readonly ParkedClaim[]
  /** Parked claims that go along on the chance that the settles release something for them: the longest waiting ones. */
  readonly takeHopeful: () => readonly ParkedClaim[]
  /** After each commit, before anybody's promise resolves. */
  readonly onCommit: (commit: Commit) => void
  /** After an exchange for which the store was not there: nobody could be heard. */
  readonly onFailure: () => void
  /** After an exchange of several that failed for a fault of our own; each of them is now tried by itself. */
  readonly onFault: (error: unknown) => void
}

export interface ParkedClaim {
  readonly ask: ClaimAsk
  settle(tasks: readonly ClaimedTask[]): void
  fail(error: unknown): void
}

export interface Commit {
  readonly submitted: readonly LaneCount[]
  /** Of the submitted, those that no claim of the same exchange took. */
  readonly left: readonly LaneCount[]
  /** Ready are those that no claim of the same exchange took. */
  readonly changes: Changes
  readonly batch: ExchangeBatch
  readonly outcome: ExchangeOutcome
  readonly commands: number
  readonly durationMs: number
}

/**
 * One exchange takes so many items of each kind: past this, one commit would keep everybody else waiting. Each kind has
 * room of its own, so that a busy producer stops neither the heartbeats nor the claims.
 */
const exchangeMax = Object.freeze({ settlements: 2_500, drafts: 2_500, beats: 500, claims: 500 })
/** Items waiting for a commit: past this the node is overloaded and says so, instead of growing without bound. */
const queuedItemsMax = 200_000

export interface Command<In, Out> {
  readonly items: readonly In[]
  resolve(out: readonly Out[]): void
  reject(error: unknown): void
}

/** Commands of one kind, in the order they came. */
interface Line<In, Out> {
  readonly commands: Command<In, Out>[]
}

export function createCommitter({
  store,
  clock,
  takeParked,
  takeHopeful,
  onCommit,
  onFailure,
  onFault,
}: CommitterParts): Committer {
  const settles: Line<Settlement, SettleResult> = { commands: [] }
  const flow = createFlow()
  const submits = createSubmitLine({ clock, flow, draftsMax: exchangeMax.drafts, takeParked })
  const beats: Line<WorkerBeat, BeatVerdict> = { commands: [] }
  const claims: Line<ClaimAsk, readonly ClaimedTask[]> = { commands: [] }
  const idlers: (() => void)[] = []
  let queuedItems = 0
  let underWay = 0
  /** Of these, those that serve workers: with settles or claims. */
  let servingWorkers = 0
  /** When each exchange under way began. */
  const beginnings = new Set<{ readonly atMs: number }>()
  let isFlushPlanned = false
  let cancelLater: (() => void) | null = null

  function enqueue<In, Out>(
    push: (command: Command<In, Out>) => void,
    items: readonly In[],
    weight: number,
  ): Promise<readonly Out[]> {
    if (queuedItems + weight > queuedItemsMax) return Promise.reject(new Problem('overloaded'))
    queuedItems += weight
    return new Promise((resolve, reject) => {
      push({ items, resolve, reject })
      planFlush()
    })
  }

  /** By commands, not by items: a command without items wants its answer, too. */
  function isQueued(): boolean {
    return !submits.isEmpty() || isWorkerQueued()
  }

  function isWorkerQueued(): boolean {
    return [settles, beats, claims].some(line => line.commands.length > 0)
  }

  /**
   * Submits alone start no exchange beside one that serves workers. In the next one they meet the settles and claims that
   * it brings back, and are handed over unread; else they would lie in the store first, and be looked for there.
   */
  function mayBegin(): boolean {
    if (underWay >= store.exchangesAtOnce) return false
    return servingWorkers === 0 || isWorkerQueued() || submits.dueInMs() === 0
  }

  function planFlush(): void {
    if (isFlushPlanned) return
    if (mayBegin()) {
      isFlushPlanned = true
      clock.soon(flush)
    } else planLater()
  }

  /** Those that wait for claims go without, after a time; where no exchange may begin, the end of one looks again. */
  function planLater(): void {
    if (submits.isEmpty()) {
      cancelLater?.()
      cancelLater = null
      return
    }
    if (underWay >= store.exchangesAtOnce) return
    cancelLater ??= clock.after(submits.dueInMs(), () => {
      cancelLater = null
      planFlush()
    })
  }

  /** Of the oldest exchange; they are in the order of their beginnings. */
  function lateMs(): number {
    for (const { atMs } of beginnings) return clock.monotonic() - atMs
    return 0
  }

  function flush(): void {
    isFlushPlanned = false
    const own = {
      settles: take(settles, exchangeMax.settlements),
      beats: take(beats, exchangeMax.beats),
      claims: take(claims, exchangeMax.claims),
    }
    const isServing = own.settles.length > 0 || own.claims.length > 0
    const { commands, parked } = submits.take({
      asks: itemsOf(own.claims),
      isClaimExpected: isServing || servingWorkers > 0,
    })
    for (const { weight } of commands) queuedItems -= weight
    if (isServing || own.beats.length > 0 || commands.length > 0) void exchange({ ...own, submits: commands }, parked)
    planLater()
  }

  function take<In, Out>(line: Line<In, Out>, itemsMax: number): readonly Command<In, Out>[] {
    let room = itemsMax
    let count = 0
    while (count < line.commands.length && room > 0) {
      room -= line.commands[count]?.items.length ?? 0
      count += 1
    }
    queuedItems -= itemsMax - room
    return line.commands.splice(0, count)
  }

  async function exchange(taken: Taken, fed: readonly ParkedClaim[]): Promise<void> {
    underWay += 1
    const parked = [...fed, ...(taken.settles.length === 0 ? [] : takeHopeful())]
    const isServing = taken.settles.length + taken.claims.length + parked.length > 0
    if (isServing) servingWorkers += 1
    const beginning = { atMs: clock.monotonic() }
    beginnings.add(beginning)
    try {
      const fault = await commit(taken, parked)
      if (fault !== null) await commitApart(fault, taken, parked)
    } finally {
      underWay -= 1
      if (isServing) servingWorkers -= 1
      beginnings.delete(beginning)
      if (isQueued()) planFlush()
      else if (underWay === 0) for (const resolve of idlers.splice(0)) resolve()
    }
  }

  /** Answers everybody; or nobody, where the store has met a fault of ours, which is returned. */
  async function commit(taken: Taken, parked: readonly ParkedClaim[]): Promise<Fault | null> {
    const batch: ExchangeBatch = {
      settles: itemsOf(taken.settles),
      submits: itemsOf(taken.submits),
      beats: itemsOf(taken.beats),
      claims: [...itemsOf(taken.claims), ...parked.map(waiter => waiter.ask)],
    }
    const submitted = sumOf(taken.submits.map(command => command.lanes))
    const beganMs = clock.monotonic()
    let wasMade = false
    try {
      const outcome = await store.exchange(batch)
      wasMade = true
      const claimed = lanesOf(outcome.claims.flat())
      const left = without(submitted, claimed)
      const isNew = whetherNewIn(batch)
      learn(taken, batch, outcome, { claimed, isNew })
      const changes = { ...outcome.changes, ready: readyStill(outcome, isNew) }
      const durationMs = clock.monotonic() - beganMs
      const commands = commandsOf(taken).length
      onCommit({ submitted, left, changes, batch, outcome, commands, durationMs })
      answer(taken, parked, outcome)
    } catch (error) {
      if (isStoreAway(error)) onFailure()
      if (!(error instanceof Problem) && !wasMade) return { error }
      refuse(commandsOf(taken), error)
      for (const waiter of parked) waiter.fail(error)
    }
    return null
  }

  /**
   * Nothing was changed, and one command may have brought the fault: the others must not pay for it. Where most have it,
   * it is the store's, and the rest is not tried.
   */
  async function commitApart(fault: Fault, taken: Taken, parked: readonly ParkedClaim[]): Promise<void> {
    const alone = eachAlone(taken)
    if (alone.length + parked.length === 1) return refuse(commandsOf(taken), fault.error)
    onFault(fault.error)
    // Who waits for work waits on.
    for (const waiter of parked) waiter.settle([])
    let faults = 0
    for (const one of alone) {
      const met = faults < faultsMax ? await commit(one, []) : fault
      if (met === null) continue
      faults += 1
      refuse(commandsOf(one), met.error)
    }
  }

  function learn(
    taken: Taken,
    batch: ExchangeBatch,
    outcome: ExchangeOutcome,
    known: Pick<Found, 'claimed' | 'isNew'>,
  ): void {
    const ready = taken.submits.filter(command => command.isReady)
    const submitted = sumOf(ready.map(command => command.lanes))
    flow.learn({ submitted, asks: batch.claims, claims: outcome.claims, ...known })
  }

  return Object.freeze<Committer>({
    settle: settlements => enqueue(command => settles.commands.push(command), settlements, settlements.length),
    submit: groups =>
      enqueue(
        submits.push,
        groups,
        groups.reduce((sum, group) => sum + group.drafts.length, 0),
      ),
    beat: async beat => first(await enqueue(command => beats.commands.push(command), [beat], 1)),
    claim: async ask => first(await enqueue(command => claims.commands.push(command), [ask], 1)),
    lateMs,
    idle: () => {
      if (!isQueued() && underWay === 0) return Promise.resolve()
      return new Promise(resolve => {
        idlers.push(resolve)
      })
    },
  })
}

interface Taken {
  readonly settles: readonly Command<Settlement, SettleResult>[]
  readonly submits: readonly SubmitCommand[]
  readonly beats: readonly Command<WorkerBeat, BeatVerdict>[]
  readonly claims: readonly Command<ClaimAsk, readonly ClaimedTask[]>[]
}

const nothing: Taken = Object.freeze({ settles: [], submits: [], beats: [], claims: [] })

interface Fault {
  readonly error: unknown
}

/** So many commands of one exchange may have a fault of their own. */
const faultsMax = 8

type Refusable = Pick<Command<never, never>, 'reject'>

function commandsOf(taken: Taken): readonly Refusable[] {
  return [...taken.settles, ...taken.submits, ...taken.beats, ...taken.claims]
}

function refuse(commands: readonly Refusable[], error: unknown): void {
  for (const command of commands) command.reject(error)
}

function eachAlone({ settles, submits, beats, claims }: Taken): readonly Taken[] {
  return [
    ...settles.map(command => ({ ...nothing, settles: [command] })),
    ...submits.map(command => ({ ...nothing, submits: [command] })),
    ...beats.map(command => ({ ...nothing, beats: [command] })),
    ...claims.map(command => ({ ...nothing, claims: [command] })),
  ]
}

function whetherNewIn(batch: ExchangeBatch): Found['isNew'] {
  let ids: Set<string> | null = null
  return task => {
    ids ??= new Set(batch.submits.flatMap(group => group.drafts.map(draft => draft.id)))
    return ids.has(task.id)
  }
}

/** What became ready and was not claimed by the same exchange: for more than that nobody is to be woken. */
function readyStill({ changes, claims }: ExchangeOutcome, isNew: Found['isNew']): readonly LaneCount[] {
  if (changes.ready.length === 0) return changes.ready
  return without(changes.ready, lanesOf(claims.flat().filter(task => !isNew(task))))
}

function answer(taken: Taken, parked: readonly ParkedClaim[], outcome: ExchangeOutcome): void {
  // Work first: whoever submitted it can hear of it while it begins.
  const own = taken.claims.length
  for (const [at, waiter] of parked.entries()) waiter.settle(outcome.claims[own + at] ?? [])
  hand(taken.claims, outcome.claims.slice(0, own))
  hand(taken.settles, outcome.settles)
  hand(taken.submits, outcome.submits)
  hand(taken.beats, outcome.beats)
}

/** Cuts the flat list of verdicts back into the commands they answer. */
function hand<In, Out>(commands: readonly Command<In, Out>[], verdicts: readonly Out[]): void {
  let at = 0
  for (const command of commands) {
    command.resolve(verdicts.slice(at, at + command.items.length))
    at += command.items.length
  }
}

function itemsOf<In, Out>(commands: readonly Command<In, Out>[]): readonly In[] {
  const only = commands[0]
  return commands.length === 1 && only !== undefined ? only.items : commands.flatMap(command => command.items)
}

function first<Out>(list: readonly Out[]): Out {
  const [only] = list
  if (only === undefined) throw new Error('Assertion failed: a command is answered once per item')
  return only
}
