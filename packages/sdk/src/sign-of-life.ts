import type { Clock } from './clock.ts'

/**
 * Tells a scheduler that is silent from one that takes its time. A call may rightly last: a long poll, a large list. But
 * a node that was cut off from the network, or paused, says nothing for ever, and each call would find that out by its
 * own time limit. So while answers are waited for and nothing was heard of a node for a while, it is asked for the
 * least it can say; what is waiting there is given up when that does not come, and can go to another node.
 *
 * That takes `quietMsMax` plus `askMsMax` at most, a third of a lease of 15 seconds.
 */
export interface SignOfLife {
  /** For `Exchange.watch`. */
  readonly watch: (giveUp: (why: string) => void) => () => void
  /** Something came from the node. */
  heard(): void
  close(): void
}

const quietMsMax = 3_000
const askMsMax = 2_000

/** @param parts.ask any answer is a sign of life, whatever it says */
export function createSignOfLife(parts: {
  readonly clock: Clock
  readonly ask: (timeoutMs: number, signal: AbortSignal) => Promise<unknown>
}): SignOfLife {
  const { clock } = parts
  const waiting = new Set<(why: string) => void>()
  let heardMs = 0
  let cancelLook: (() => void) | null = null
  let asking: AbortController | null = null

  function watch(giveUp: (why: string) => void): () => void {
    // Before that nobody listened.
    if (waiting.size === 0) heardMs = clock.monotonic()
    waiting.add(giveUp)
    look()
    return () => {
      waiting.delete(giveUp)
      if (waiting.size === 0) rest()
    }
  }

  function look(): void {
    if (cancelLook !== null || asking !== null || waiting.size === 0) return
    const leftMs = heardMs + quietMsMax - clock.monotonic()
    if (leftMs <= 0) {
      void ask()
      return
    }
    cancelLook = clock.after(leftMs, () => {
      cancelLook = null
      look()
    })
  }

  async function ask(): Promise<void> {
    const question = new AbortController()
    asking = question
    // After a block of the event loop the timer is called before what has arrived is read: that comes first.
    const cancelLimit = clock.after(askMsMax, () => clock.soon(() => question.abort()))
    const isAlive = await parts.ask(askMsMax * 10, question.signal).then(
      () => true,
      () => false,
    )
    cancelLimit()
    // Meanwhile nobody waited any more.
    if (asking !== question) return
    asking = null
    if (isAlive) heardMs = clock.monotonic()
    else for (const giveUp of [...waiting]) giveUp(`no sign of life for ${(quietMsMax + askMsMax) / 1_000} s`)
    look()
  }

  function rest(): void {
    cancelLook?.()
    cancelLook = null
    const question = asking
    asking = null
    question?.abort()
  }

  return Object.freeze<SignOfLife>({
    watch,
    heard: () => {
      heardMs = clock.monotonic()
    },
    close: rest,
  })
}
