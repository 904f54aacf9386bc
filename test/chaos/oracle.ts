import { type Case, finishedStates, openCase } from './case.ts'
import type { Evidence, Violation } from './model.ts'
import { promises } from './promises.ts'

export interface Figures {
  readonly submitted: number
  readonly finished: number
  readonly executed_twice: number
  readonly accepted_twice: number
  readonly lost: number
  readonly unknown_replies: number
}

export interface Judgement {
  readonly figures: Figures
  readonly violations: readonly Violation[]
}

/** Knows nothing of the run but the evidence, so that hand-made evidence can show that each promise bites. */
export function judge(evidence: Evidence): Judgement {
  const opened = openCase(evidence)
  const violations = promises.flatMap(({ name, check }) =>
    check(opened).map(({ task, sentence }): Violation => ({ promise: name, task, sentence })),
  )
  return { figures: count(opened, violations), violations }
}

function count(opened: Case, violations: readonly Violation[]): Figures {
  const { accepted, tasks, starts, calls } = opened
  const tasksOf = (promise: string): number =>
    new Set(violations.filter(each => each.promise === promise).map(each => each.task)).size
  return {
    submitted: accepted.size,
    finished: [...accepted.keys()].filter(id => finishedStates.has(tasks.get(id)?.status ?? '')).length,
    executed_twice: [...starts.keys()].filter(id => wasExecutedAgain(opened, id)).length,
    accepted_twice: tasksOf('accepted once'),
    lost: tasksOf('nothing is lost'),
    unknown_replies: calls.filter(call => call.said === 'unknown').length,
  }
}

/** Begun again although the time before had not said that it failed: a crash, a lost lease, a release. */
function wasExecutedAgain({ starts, thrown }: Case, id: string): boolean {
  const failed = new Set((thrown.get(id) ?? []).filter(line => line.why === 'Error').map(line => line.epoch))
  return (starts.get(id) ?? []).filter(line => !failed.has(line.epoch)).length > 1
}
