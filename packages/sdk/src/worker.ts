// For `await using`: kept in the published types, so that they need no setting in the project that reads them.
/// <reference lib="esnext.disposable" preserve="true" />

import { systemClock } from './clock.ts'
import type { ApiError } from './errors.ts'
import { createRuntime, type Runtime, type WorkerRuntimeStatus } from './worker/runtime.ts'
import { resolveSettings, type WorkerOptions, type WorkerSettings } from './worker/settings.ts'

/**
 * Runs tasks: claims what its handlers can run, keeps the leases, and brings back the results. It outlives any absence
 * of the scheduler; a restart of either side needs none of the other.
 */
export class TasklaneWorker {
  readonly #runtime: Runtime
  readonly #settings: WorkerSettings

  /** @throws UsageError naming everything that cannot be right */
  constructor(options: WorkerOptions) {
    const clock = options.clock ?? systemClock
    this.#settings = resolveSettings(options, clock)
    this.#runtime = createRuntime(this.#settings, clock)
  }

  get workerId(): string {
    return this.#settings.workerId
  }

  /**
   * Resolves once the worker is registered, however long the scheduler takes to appear.
   * @throws ApiError the registration was refused · ShutdownError it was stopped meanwhile, or had been started before
   */
  start(): Promise<void> {
    return this.#runtime.start()
  }

  /**
   * Claims nothing more, lets handlers finish for `graceMs`, then aborts their signals and gives their tasks back
   * without counting the attempt, brings the last results home and deregisters. Takes about seven seconds beyond the
   * grace at the very most, when the scheduler is away. Calling it again changes nothing.
   */
  stop(options: { readonly graceMs?: number | undefined } = {}): Promise<void> {
    return this.#runtime.stop(options.graceMs ?? this.#settings.shutdownGraceMs)
  }

  /**
   * Resolves when the worker has stopped, whoever asked for it: `stop`, a signal, or the scheduler, also by refusing the
   * token for a minute (`failure` says so then).
   */
  get done(): Promise<void> {
    return this.#runtime.done
  }

  /** Why the worker stopped by itself: its token ran out or was revoked. Null otherwise. */
  get failure(): ApiError | null {
    return this.#runtime.failure()
  }

  status(): WorkerRuntimeStatus {
    return this.#runtime.status()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
