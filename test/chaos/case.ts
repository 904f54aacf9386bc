import type { AttemptLine, ClientLine, Evidence, InvokeLine, SubmittedTask, TaskSeen, VerdictSeen } from './model.ts'

/** The evidence in the order in which it is asked for. */
export interface Case {
  readonly evidence: Evidence
  readonly tasks: ReadonlyMap<string, TaskSeen>
  /** Lines of each task, oldest first. */
  readonly starts: ReadonlyMap<string, readonly AttemptLine[]>
  readonly ends: ReadonlyMap<string, readonly AttemptLine[]>
  readonly thrown: ReadonlyMap<string, readonly AttemptLine[]>
  readonly verdicts: ReadonlyMap<string, readonly VerdictSeen[]>
  readonly calls: readonly CallSeen[]
  /** Every task id that a 2xx named, with what was submitted under it. */
  readonly accepted: ReadonlyMap<string, SubmittedTask>
}

/** One call of a client and what came of it; a client that died in the middle leaves it unknown. */
export interface CallSeen {
  readonly invoke: InvokeLine
  readonly said: 'ok' | 'fail' | 'unknown'
  readonly ids: readonly string[]
  readonly status: number
  readonly detail: string
  readonly endedAt: number
}

export const finishedStates: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled'])

export function openCase(evidence: Evidence): Case {
  const attempts = evidence.workerLines.filter((line): line is AttemptLine => line.event !== 'stall')
  const ofEvent = (event: AttemptLine['event']): ReadonlyMap<string, readonly AttemptLine[]> =>
    byTask(attempts.filter(line => line.event === event))
  const calls = pairCalls(evidence.clientLines)
  const accepted = new Map<string, SubmittedTask>()
  for (const { said, ids, invoke } of calls) {
    if (said !== 'ok') continue
    for (const [at, id] of ids.entries()) {
      const task = invoke.tasks[at]
      if (task !== undefined) accepted.set(id, task)
    }
  }
  return {
    evidence,
    tasks: new Map(evidence.tasks.map(task => [task.id, task])),
    starts: ofEvent('start'),
    ends: ofEvent('end'),
    thrown: ofEvent('thrown'),
    verdicts: byTask(evidence.verdicts),
    calls,
    accepted,
  }
}

function byTask<L extends { readonly task: string; readonly mono: number }>(
  lines: readonly L[],
): ReadonlyMap<string, readonly L[]> {
  const groups = new Map<string, L[]>()
  for (const line of lines.toSorted((one, other) => one.mono - other.mono)) {
    const group = groups.get(line.task)
    if (group === undefined) groups.set(line.task, [line])
    else group.push(line)
  }
  return groups
}

function pairCalls(lines: readonly ClientLine[]): readonly CallSeen[] {
  const nameOf = (line: ClientLine): string => `${line.client} ${line.call}`
  const replies = new Map(lines.filter(line => line.event !== 'invoke').map(line => [nameOf(line), line]))
  return lines
    .filter(line => line.event === 'invoke')
    .map(invoke => {
      const reply = replies.get(nameOf(invoke))
      if (reply === undefined) {
        return { invoke, said: 'unknown', ids: [], status: 0, detail: 'no reply', endedAt: Number.POSITIVE_INFINITY }
      }
      const ids = reply.event === 'ok' ? reply.ids : []
      const detail = reply.event === 'ok' ? '' : (reply.detail ?? '')
      return { invoke, said: reply.event, ids, status: reply.status, detail, endedAt: reply.at }
    })
}
