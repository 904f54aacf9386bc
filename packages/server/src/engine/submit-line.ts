import type { TaskDraft } from '../core/task.ts'
import type { Clock } from '../ports/clock.ts'
import type { ClaimAsk, LaneCount, SubmitGroup, SubmitVerdict } from '../ports/store.ts'
import type { Command, ParkedClaim } from './committer.ts'
import type { Advice, Flow } from './flow.ts'
import { keyOf, lanesOf, lanesToFill, sumOf, without } from './lane-counts.ts'

/** Submits on their way to an exchange, in the order they came; some wait for the claims that can take their tasks along. */
export interface SubmitLine {
  push(command: Command<SubmitGroup, SubmitVerdict>): void
  isEmpty(): boolean
  /** Until the first of them has waited as long as it may, in milliseconds; 0: it has. */
  dueInMs(): number
  take(meeting: Meeting): Boarding
}

/** The exchange that is about to begin. */
export interface Meeting {
  readonly asks: readonly ClaimAsk[]
  /** Whether it, or one under way, serves workers, who will claim again. */
  readonly isClaimExpected: boolean
}

export interface Boarding {
  readonly commands: readonly SubmitCommand[]
  /** Parked claims that the tasks can feed. */
  readonly parked: readonly ParkedClaim[]
}

export interface SubmitCommand extends Command<SubmitGroup, SubmitVerdict> {
  readonly lanes: readonly LaneCount[]
  /** Whether all of its tasks could be handed out at once. */
  readonly isReady: boolean
  /** Whether it names other tasks: those that came before it must not be overtaken. */
  readonly hasParents: boolean
  readonly weight: number
}

interface Queued extends SubmitCommand {
  readonly atMs: number
  /** Exchanges that began without it. */
  passed: number
}

interface SubmitLineParts {
  readonly clock: Clock
  readonly flow: Flow
  /** One exchange takes so many tasks. */
  readonly draftsMax: number
  readonly takeParked: (lanes: readonly LaneCount[]) => readonly ParkedClaim[]
}

/** They wait for claims as long as this, and for so many exchanges, which in a calm node is a few milliseconds. */
const waitMax = Object.freeze({ ms: 250, exchanges: 8 })
/** Fewer tasks save the store less than what an exchange without them costs. */
const worthWaiting = 128

export function createSubmitLine({ clock, flow, draftsMax, takeParked }: SubmitLineParts): SubmitLine {
  let line: Queued[] = []
  let weight = 0

  function dueInMs(): number {
    const first = line[0]
    return first === undefined ? waitMax.ms : Math.max(0, first.atMs + waitMax.ms - clock.monotonic())
  }

  function adviceFor(command: Queued): Advice {
    if (!command.isReady) return 'now'
    const advice = flow.adviceFor(command.lanes)
    if (advice === 'now') return advice
    if (command.passed < waitMax.exchanges && clock.monotonic() - command.atMs < waitMax.ms) return advice
    flow.waitedInVain(command.lanes)
    return 'now'
  }

  /** As many of the first as one exchange takes. */
  function firstFew(mayWait: boolean): Map<Queued, Advice> {
    const few = new Map<Queued, Advice>()
    let room = draftsMax
    for (const command of line) {
      if (room <= 0) break
      const advice = mayWait ? adviceFor(command) : 'now'
      few.set(command, advice)
      if (advice !== 'later') room -= command.weight
    }
    return few
  }

  function take({ asks, isClaimExpected }: Meeting): Boarding {
    if (line.length === 0) return { commands: [], parked: [] }
    const few = firstFew(isClaimExpected && weight >= worthWaiting && !line.some(command => command.hasParents))
    const lanesAdvised = (advice: Advice): readonly LaneCount[] =>
      sumOf([...few].filter(([, each]) => each === advice).map(([command]) => command.lanes))
    const wanted = lanesAdvised('with a claim')
    const toFill = lanesToFill(wanted)
    for (const ask of asks) toFill.fill(ask)
    const parked = [...takeParked(toFill.left()), ...takeParked(lanesAdvised('now'))]
    for (const { ask } of parked) toFill.fill(ask)
    const room = new Map(without(wanted, toFill.left()).map(lane => [keyOf(lane), lane.count]))
    const commands = [...few]
      .filter(([command, advice]) => advice === 'now' || (advice === 'with a claim' && claimRoom(room, command)))
      .map(([command]) => command)
    const gone = new Set(commands)
    for (const command of few.keys()) command.passed += 1
    for (const command of commands) weight -= command.weight
    line = line.filter(command => !gone.has(command))
    return { commands, parked }
  }

  return {
    push({ items, resolve, reject }) {
      const drafts = items.flatMap(group => group.drafts)
      line.push({
        ...{ items, resolve, reject, lanes: lanesOf(drafts), weight: drafts.length },
        isReady: drafts.every(isReadyAtOnce),
        hasParents: drafts.some(draft => draft.dependencies.length > 0),
        atMs: clock.monotonic(),
        passed: 0,
      })
      weight += drafts.length
    },
    isEmpty: () => line.length === 0,
    dueInMs,
    take,
  }
}

function isReadyAtOnce({ dependencies, runAtMs, delayMs }: TaskDraft): boolean {
  return dependencies.length === 0 && runAtMs === null && delayMs === null
}

/** Part of a command has a place where all of it is written at once. */
function claimRoom(room: Map<string, number>, { lanes }: SubmitCommand): boolean {
  if (!lanes.some(lane => (room.get(keyOf(lane)) ?? 0) > 0)) return false
  for (const lane of lanes) room.set(keyOf(lane), (room.get(keyOf(lane)) ?? 0) - lane.count)
  return true
}
