import type { TaskProgress } from '@tasklane/protocol'
import type { WorkerLogger } from '../log.ts'
import type { LeaseTerms } from './lease-keeper.ts'

/**
 * What the handlers' thread and the thread of the leases say to each other: lists, in order, of what can be cloned.
 * Many leases travel as two flat lists, which cost a quarter of the same as objects.
 */
export type LeaseCommand =
  /** Where the scheduler is. May come again: the next beat goes there. */
  | { readonly kind: 'connect'; readonly urls: readonly string[]; readonly token: string | null }
  | { readonly kind: 'terms'; readonly terms: LeaseTerms }
  | { readonly kind: 'start' }
  | ({ readonly kind: 'hold'; readonly sinceMs: number } & LeaseList)
  | ({ readonly kind: 'drop' } & LeaseList)
  | ({ readonly kind: 'progress'; readonly progress: readonly TaskProgress[] } & LeaseList)
  | { readonly kind: 'draining' }
  /** The answer to `unknown`: the worker is known again, or will not be. */
  | { readonly kind: 'known' }

export interface LeaseList {
  readonly taskIds: readonly string[]
  readonly epochs: readonly number[]
}

export interface LeaseReports {
  /** When they were posted, on the clock that both threads share. Read much later, the reader was blocked meanwhile. */
  readonly postedMs: number
  readonly reports: readonly LeaseReport[]
}

export type LeaseReport =
  | { readonly kind: 'cancel'; readonly taskId: string; readonly epoch: number }
  | { readonly kind: 'lost' | 'fenced'; readonly taskId: string; readonly epoch: number; readonly why: string }
  | { readonly kind: 'drain' | 'unknown' }
  /** The scheduler has confirmed, by a beat sent then, whatever the first `holds` commands of that kind gave. */
  | { readonly kind: 'round'; readonly holds: number; readonly sentMs: number }
  | { readonly kind: 'outage'; readonly code: string; readonly message: string }
  | { readonly kind: 'outage_over' }
  | {
      readonly kind: 'log'
      readonly level: keyof WorkerLogger
      readonly fields: Readonly<Record<string, unknown>>
      readonly message: string
    }

/** The other thread, as the handlers' thread sees it. */
export interface LeaseThread {
  post(commands: readonly LeaseCommand[]): void
  /** Resolves when it has ended. */
  stop(): Promise<void>
}

/** @throws where it is known at once that there can be no thread */
export type StartLeaseThread = (
  workerId: string,
  listeners: {
    readonly onReports: (reports: LeaseReports) => void
    /** It could not be started, or has ended by itself. May come several times. */
    readonly onEnd: (why: string) => void
  },
) => LeaseThread
