import { useSyncExternalStore } from 'react'

/** A value that several parts of the page share. */
export interface Shared<Value> {
  get(): Value
  set(value: Value): void
  use(): Value
}

export function createShared<Value>(first: Value): Shared<Value> {
  const listeners = new Set<() => void>()
  let value = first
  const listen = (tell: () => void) => {
    listeners.add(tell)
    return () => listeners.delete(tell)
  }
  return {
    get: () => value,
    set: next => {
      value = next
      for (const tell of listeners) tell()
    },
    use: () => useSyncExternalStore(listen, () => value),
  }
}
