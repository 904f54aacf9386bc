import type { Json } from '@tasklane/protocol'
import { suggest } from '../closest.ts'
import type { Reading } from '../input/values.ts'

/** Types and how often each is to come, in shares of any size. */
export type Mix = readonly { readonly type: string; readonly share: number }[]

/** Payloads the generator can make, by type; `at` is the number of the task. */
const payloads: Readonly<Record<string, (at: number) => Json>> = {
  add: at => ({ x: at, y: 1 }),
  multiply: at => ({ x: at % 1_000, y: 2 }),
  upper_case: at => ({ text: `task number ${at}` }),
  noop: () => null,
  sleep: () => ({ seconds: 0.05 }),
  simulate: () => ({ seconds: 0.25 }),
}

export const generatedTypes: readonly string[] = Object.keys(payloads)

/** `add=3,sleep=1`; a type alone has the share 1. */
export function readMix(subject: string, text: string): Reading<Mix> {
  const mix: { type: string; share: number }[] = []
  for (const part of text.split(',').map(each => each.trim())) {
    const [type = '', shareText = '1'] = part.split('=')
    const share = Number(shareText)
    if (!generatedTypes.includes(type)) {
      const takes = generatedTypes.join(', ')
      return { fault: `${subject} has payloads for ${takes}, not for '${type}'.${suggest(type, generatedTypes)}` }
    }
    if (!Number.isFinite(share) || share <= 0 || share > 1_000_000) {
      return { fault: `${subject} takes shares above 0, such as add=3,sleep=1, not '${part}'.` }
    }
    mix.push({ type, share })
  }
  return { value: mix }
}

/**
 * Spreads the types evenly over the run, so that any stretch of it has the mix that was asked for: each turn goes to
 * the type that is furthest behind its share (the smooth weighted round-robin of nginx).
 */
export function createMixer(mix: Mix): (at: number) => { readonly type: string; readonly payload: Json } {
  const total = mix.reduce((sum, entry) => sum + entry.share, 0)
  const credit = mix.map(() => 0)
  return at => {
    let best = 0
    for (const [index, entry] of mix.entries()) {
      credit[index] = (credit[index] ?? 0) + entry.share
      if ((credit[index] ?? 0) > (credit[best] ?? 0)) best = index
    }
    credit[best] = (credit[best] ?? 0) - total
    const type = mix[best]?.type ?? 'noop'
    return { type, payload: payloads[type]?.(at) ?? null }
  }
}
