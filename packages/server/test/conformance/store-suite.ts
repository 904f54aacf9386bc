import { describe, it, onTestFinished } from 'vitest'
import type { Store } from '../../src/ports/store.ts'
import { driveStore } from '../support/store-driver.ts'
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts'
import { tokensTopic, usersTopic } from './accounts.ts'
import { alertRulesTopic, alertsTopic } from './alerts.ts'
import { auditTopic } from './audit.ts'
import { beatTopic } from './beat.ts'
import { byHandTopic } from './by-hand.ts'
import { cancelTopic } from './cancel.ts'
import { claimTopic } from './claim.ts'
import { dependenciesTopic } from './dependencies.ts'
import { failuresTopic } from './failures.ts'
import { historyTopic } from './history.ts'
import { leftoversTopic } from './leftovers.ts'
import { logsTopic } from './logs.ts'
import { manyTopic } from './many.ts'
import { noticesTopic } from './notices.ts'
import { queuesTopic } from './queues.ts'
import { rateHistoryTopic } from './rate-history.ts'
import { readsTopic } from './reads.ts'
import { removeTopic } from './remove-and-prune.ts'
import { reprioritiseTopic } from './reprioritise.ts'
import { requeueTopic } from './requeue.ts'
import { settleTopic } from './settle.ts'
import { submitTopic } from './submit.ts'
import { submittersTopic } from './submitters.ts'
import { sweepsTopic } from './sweeps.ts'
import { type Bench, suiteHeadStartMs, type Topic } from './topic.ts'
import { waitingTopic } from './waiting.ts'
import { workersTopic } from './workers.ts'

/**
 * What every store must do, as `ports/store.ts` and `core/lifecycle.ts` say it. A new behaviour of stores begins here,
 * not in one store's file.
 */
export function describeStore(name: string, makeStore: MakeStore, options: SuiteOptions = {}): void {
  describe(name, () => {
    const skip = new Map((options.skip ?? []).map(({ test, reason }) => [test, reason]))
    for (const [title, topic] of Object.entries(topics)) {
      describe(title, () => {
        topic((test, body) => {
          it(test, async context => {
            const reason = skip.get(test)
            if (reason !== undefined) context.skip(reason)
            await body(await setUp(makeStore))
          })
        })
      })
    }
  })
}

export type MakeStore = (parts: { readonly clock: VirtualClock; readonly headStartMs: number }) => Promise<MadeStore>

export interface MadeStore {
  readonly store: Store
  readonly dispose: () => Promise<void>
}

export interface SuiteOptions {
  /** Tests that a store does not pass, by their name, each with its reason. */
  readonly skip?: readonly { readonly test: string; readonly reason: string }[]
}

const topics: Readonly<Record<string, Topic>> = {
  submit: submitTopic,
  claim: claimTopic,
  beat: beatTopic,
  settle: settleTopic,
  cancel: cancelTopic,
  dependencies: dependenciesTopic,
  leftovers: leftoversTopic,
  requeue: requeueTopic,
  reprioritise: reprioritiseTopic,
  'by hand': byHandTopic,
  'remove and prune': removeTopic,
  sweeps: sweepsTopic,
  reads: readsTopic,
  workers: workersTopic,
  queues: queuesTopic,
  logs: logsTopic,
  many: manyTopic,
  history: historyTopic,
  submitters: submittersTopic,
  users: usersTopic,
  tokens: tokensTopic,
  audit: auditTopic,
  failures: failuresTopic,
  waiting: waitingTopic,
  'history of rates': rateHistoryTopic,
  'rules of alerts': alertRulesTopic,
  alerts: alertsTopic,
  notices: noticesTopic,
}

async function setUp(makeStore: MakeStore): Promise<Bench> {
  const clock = createVirtualClock()
  const made = await makeStore({ clock, headStartMs: suiteHeadStartMs })
  onTestFinished(made.dispose)
  const { store } = made
  await store.migrate()
  return { store, clock, ...driveStore(store) }
}
