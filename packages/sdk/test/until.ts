import { vi } from 'vitest'

/** Waits until it holds; fails with the description when it does not within a time that only a hang reaches. */
export async function until(description: string, holds: () => boolean): Promise<void> {
  await vi.waitFor(
    () => {
      if (!holds()) throw new Error(`It never came to pass: ${description}`)
    },
    { timeout: 20_000, interval: 2 },
  )
}

/** A promise with its ends outside. */
export function createGate<Value = void>(): { readonly opened: Promise<Value>; readonly open: (value: Value) => void } {
  let open: (value: Value) => void = () => {}
  const opened = new Promise<Value>(resolve => {
    open = resolve
  })
  return { opened, open: value => open(value) }
}
