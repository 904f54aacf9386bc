/** What is known of a run from outside: lines that workers and clients synced, what passed on the wire, and the API's last word. */

/** What a task is meant to go through; it stands in the payload. */
export type Kind =
  | 'work'
  | 'flaky'
  | 'twin'
  | 'child'
  | 'hopeless'
  | 'orphan'
  | 'stubborn'
  | 'poison'
  | 'neighbour'
  | 'blocking'
  | 'gorge'

interface Line {
  /** Wall clock, milliseconds. */
  readonly at: number
  /** Milliseconds on the one monotonic clock that all processes of a machine share. */
  readonly mono: number
}

export interface AttemptLine extends Line {
  readonly event: 'start' | 'end' | 'thrown' | 'verdict'
  readonly task: string
  readonly attempt: number
  readonly epoch: number
  readonly worker: string
  readonly pid: number
  /** With `start`: parents by id, how they ended, and the epoch in their result. */
  readonly parents?: Readonly<Record<string, readonly [string, number | null]>>
  /** With `end`: the handler knows that its time limit had passed. */
  readonly late?: boolean
  readonly why?: string
  readonly verdict?: string
}

/** A worker's process that got no turn for a while. */
export interface StallLine extends Line {
  readonly event: 'stall'
  readonly worker: string
  readonly gapMs: number
}

export type WorkerLine = AttemptLine | StallLine

export interface SubmittedTask {
  readonly id: string | null
  readonly key: string | null
  readonly kind: Kind
  readonly parents: readonly string[]
  readonly maxRetries: number
}

export interface InvokeLine extends Line {
  readonly event: 'invoke'
  readonly client: string
  readonly call: number
  readonly tasks: readonly SubmittedTask[]
}

export interface OkLine extends Line {
  readonly event: 'ok'
  readonly client: string
  readonly call: number
  readonly status: number
  /** Of the tasks of the call, in their order. */
  readonly ids: readonly string[]
}

/** `fail`: refused, and said that nothing was changed. `unknown`: no reply, or one that leaves the outcome open. */
export interface NoLine extends Line {
  readonly event: 'fail' | 'unknown'
  readonly client: string
  readonly call: number
  readonly status: number
  readonly code?: string | null
  readonly detail?: string | null
}

export type ClientLine = InvokeLine | OkLine | NoLine

/** One answer of the scheduler to a settle, as it passed on the wire, whether or not it arrived. */
export interface VerdictSeen extends Line {
  readonly worker: string
  readonly task: string
  readonly epoch: number
  readonly outcome: string
  readonly verdict: string
}

export interface AttemptSeen {
  readonly attempt: number
  readonly epoch: number
  readonly worker: string | null
  readonly startedAt: number
  readonly endedAt: number | null
  readonly outcome: string
}

/** A task as the API tells of it at the end. */
export interface TaskSeen {
  readonly id: string
  readonly key: string | null
  readonly kind: Kind
  readonly status: string
  readonly maxRetries: number
  readonly parents: readonly string[]
  /** The epoch that the kept result carries. */
  readonly resultEpoch: number | null
  readonly isLate: boolean
  readonly errorCode: string | null
  readonly attempts: readonly AttemptSeen[]
}

/** While this lasted, and for a lease after it, these workers may have lost what they held by rights. */
export interface Disturbance {
  /** Null: all of them. */
  readonly worker: string | null
  readonly fromMs: number
  readonly toMs: number
  readonly what: string
}

export interface Evidence {
  /** With several, a fault of one costs a lease that the others do not know to spare. */
  readonly nodes: number
  readonly workerLines: readonly WorkerLine[]
  readonly clientLines: readonly ClientLine[]
  readonly verdicts: readonly VerdictSeen[]
  readonly tasks: readonly TaskSeen[]
  readonly disturbances: readonly Disturbance[]
  /** Wall times between which the disk had no room: nothing invoked after the first may be accepted before the second. */
  readonly fullDisks: readonly { readonly fromMs: number; readonly toMs: number }[]
  /** Milliseconds a disturbance lingers: a lease, and the reaper's pass. */
  readonly lingerMs: number
}

export interface Violation {
  readonly promise: string
  readonly sentence: string
  /** Whose story is to be told. */
  readonly task: string | null
}
