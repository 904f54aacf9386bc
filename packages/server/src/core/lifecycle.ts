import type { TaskState } from '@tasklane/protocol'

/**
 * The story of a task: every state it can be in and every way from one to the next. A store may move a task in no other
 * way, and each way is one conditional statement, so that two callers can never both win.
 *
 *   blocked    waits for its parents
 *   scheduled  waits for a time: its first run, or a retry
 *   pending    may be claimed; only these rows are in the claim index
 *   running    leased to a worker under an epoch
 *   completed, failed, cancelled   finished; terminal but for requeue and prune
 *
 * Who is the authority: the store's row. A worker's word counts only together with the epoch of its claim. A cancel of a
 * running task is a mark on the row (`cancelRequestedAtMs`); paused is a property of the queue. Neither is a state.
 */
export type TransitionName =
  | 'submit'
  | 'unblock'
  | 'cascade'
  | 'promote'
  | 'claim'
  | 'extend'
  | 'complete'
  | 'fail'
  | 'retry'
  | 'release'
  | 'lose'
  | 'complete_by_hand'
  | 'cancel'
  | 'reprioritise'
  | 'requeue'
  | 'prune'

export interface Transition {
  /** `none` stands before the first state and after the last. */
  readonly from: readonly (TaskState | 'none')[]
  readonly to: readonly (TaskState | 'none')[]
  readonly by: string
  readonly guard: string
}

export const transitions: Readonly<Record<TransitionName, Transition>> = Object.freeze({
  submit: {
    from: ['none'],
    to: ['pending', 'scheduled', 'blocked', 'cancelled'],
    by: 'client, schedule',
    guard:
      'id and idempotency key unseen; parents exist, earlier or in the same batch; cancelled at once where a parent has failed and the edge says cancel',
  },
  unblock: {
    from: ['blocked'],
    to: ['pending', 'scheduled'],
    by: 'settle of a parent, sweep',
    guard: 'no unfinished parent is left; up to 1,000 children in the parent’s own transaction, the rest by sweep',
  },
  cascade: {
    from: ['blocked'],
    to: ['cancelled'],
    by: 'settle or cancel of a parent, sweep',
    guard: 'the edge says cancel and the parent failed or was cancelled; recursive; error `dependency_failed`',
  },
  promote: { from: ['scheduled'], to: ['pending'], by: 'sweep', guard: 'its time has passed' },
  claim: {
    from: ['pending'],
    to: ['running'],
    by: 'worker',
    guard: 'queue not paused, type and queue match; attempt + 1, epoch + 1, lease set',
  },
  extend: {
    from: ['running'],
    to: ['running'],
    by: 'heartbeat',
    guard: 'epoch and worker; never past the attempt’s deadline plus 10 s, nor 30 s past a cancel mark',
  },
  complete: { from: ['running'], to: ['completed'], by: 'worker', guard: 'epoch and worker; wins over a cancel mark' },
  fail: {
    from: ['running'],
    to: ['failed', 'cancelled'],
    by: 'worker',
    guard:
      'epoch and worker; no retries left or marked permanent; cancelled under a cancel mark, or where the worker says that it was called off',
  },
  retry: {
    from: ['running'],
    to: ['scheduled', 'pending', 'cancelled'],
    by: 'worker',
    guard: 'epoch and worker; retries left; keeps its priority; cancelled under a cancel mark',
  },
  release: {
    from: ['running'],
    to: ['pending', 'cancelled'],
    by: 'worker draining, claim whose reply was lost',
    guard: 'epoch and worker; the attempt is handed back, the epoch is not; cancelled under a cancel mark',
  },
  lose: {
    from: ['running'],
    to: ['pending', 'scheduled', 'failed', 'cancelled'],
    by: 'reap sweep, new instance of the worker',
    guard:
      'epoch and lease expired (or its process replaced); past the deadline a failure `timeout`, otherwise a crash with its own budget of 3',
  },
  complete_by_hand: {
    from: ['blocked', 'scheduled', 'pending', 'running'],
    to: ['completed'],
    by: 'owner, operator',
    guard: 'unfinished; unblocks children; the worker’s settle is stale',
  },
  cancel: {
    from: ['blocked', 'scheduled', 'pending', 'running'],
    to: ['cancelled', 'running'],
    by: 'client',
    guard: 'waiting tasks end at once; a running one is marked',
  },
  reprioritise: {
    from: ['blocked', 'scheduled', 'pending'],
    to: ['blocked', 'scheduled', 'pending'],
    by: 'client',
    guard: 'still waiting; the rank is computed anew',
  },
  requeue: {
    from: ['failed', 'cancelled'],
    to: ['pending', 'blocked'],
    by: 'operator',
    guard:
      'attempts and crashes start anew, the epoch goes on; waits again for parents that have not ended; with dependents, `dependency_failed` descendants return to blocked',
  },
  prune: {
    from: ['completed', 'failed', 'cancelled'],
    to: ['none'],
    by: 'sweep, operator',
    guard: 'finished longer ago than the retention, and no unfinished child needs its result',
  },
})

/** May this transition start from that state? */
export function allows(name: TransitionName, from: TaskState | 'none'): boolean {
  return transitions[name].from.includes(from)
}
