import { Problem } from '../../packages/server/src/core/problem.ts'
import type { Engine } from '../../packages/server/src/engine/engine.ts'
import type { Cluster } from './cluster.ts'
import type { Referee } from './referee.ts'
import type { NetworkWeather } from './scenario.ts'
import { type Actor, type Chance, createActor, type Timeline } from './timeline.ts'

/** What a caller gets to know: an answer, a refusal, or nothing, after which the call may have happened or not. */
export type Reply<T> =
  | { readonly kind: 'answer'; readonly value: T }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'silence' }

export interface Network {
  /**
   * One call to one node. The request may be lost, doubled or late, and so may the reply. `onUndelivered` runs on the
   * node when it notices that a reply did not get out, as the HTTP floor does.
   */
  call<T>(caller: Actor, node: number, ask: Ask<T>): Promise<Reply<T>>
}

export interface Ask<T> {
  readonly timeoutMs: number
  readonly perform: (engine: Engine, signal: AbortSignal) => Promise<T>
  readonly onUndelivered?: (engine: Engine, value: T) => Promise<unknown>
}

export interface NetworkParts {
  readonly timeline: Timeline
  readonly cluster: Cluster
  readonly referee: Referee
  readonly weather: () => NetworkWeather
  readonly chance: Chance
}

export function createNetwork({ timeline, cluster, referee, weather, chance }: NetworkParts): Network {
  const wire = createActor('wire')
  const latency = (): number => chance.between(0, weather().slowMs)

  function call<T>(caller: Actor, number: number, ask: Ask<T>): Promise<Reply<T>> {
    return new Promise(resolve => {
      let isOver = false
      const aborts = new Set<() => void>()
      const leave = (): void => {
        for (const abort of aborts) abort()
      }
      const finish = (reply: Reply<T>): void => {
        if (isOver) return
        isOver = true
        caller.onDeath.delete(leave)
        stopTimer()
        resolve(reply)
      }
      const stopTimer = timeline.after(ask.timeoutMs, caller, () => {
        leave()
        finish({ kind: 'silence' })
      })
      caller.onDeath.add(leave)
      const copies = chance.isTrue(weather().double) ? 2 : 1
      for (let copy = 0; copy < copies; copy += 1) {
        if (!chance.isTrue(weather().loseRequest)) timeline.after(latency(), wire, arrive)
      }

      function arrive(): void {
        const node = cluster.node(number)
        if (node === null) {
          timeline.after(latency(), caller, () => finish({ kind: 'silence' }))
          return
        }
        timeline.after(0, node.actor, () => perform(node.actor, node.engine))
      }

      function perform(node: Actor, engine: Engine): void {
        const aborter = new AbortController()
        // A half-open connection: the node learns late, or never, that the caller has left.
        const abort = (): void => {
          if (!chance.isTrue(weather().loseRequest)) timeline.after(latency(), node, () => aborter.abort())
        }
        aborts.add(abort)
        ask.perform(engine, aborter.signal).then(
          value => respond({ kind: 'answer', value }),
          (error: unknown) => {
            if (error instanceof Problem) respond({ kind: 'refused', code: error.code })
            else referee.fail('no fault of our own', String(error))
          },
        )
        function respond(reply: Reply<T>): void {
          if (aborter.signal.aborted) {
            undelivered(reply)
            return
          }
          if (chance.isTrue(weather().loseReply)) {
            if (chance.isTrue(0.5)) timeline.after(latency(), node, () => undelivered(reply))
            return
          }
          timeline.after(latency(), wire, () => {
            if (!caller.isAlive || isOver) timeline.after(latency(), node, () => undelivered(reply))
            else timeline.after(0, caller, () => finish(reply))
          })
        }
        function undelivered(reply: Reply<T>): void {
          if (reply.kind !== 'answer' || ask.onUndelivered === undefined) return
          ask.onUndelivered(engine, reply.value).catch((error: unknown) => {
            if (!(error instanceof Problem)) referee.fail('no fault of our own', String(error))
          })
        }
      }
    })
  }

  return Object.freeze<Network>({ call })
}
