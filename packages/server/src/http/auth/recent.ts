/** Keeps the entries that were put last, up to a bound. */
export interface Recent<Value> {
  get(key: string): Value | undefined
  /** Also where it is there already: then it counts as put last. */
  put(key: string, value: Value): void
  forget(key: string): void
}

export function createRecent<Value>(most: number): Recent<Value> {
  const entries = new Map<string, Value>()
  // Many at once: the way to the oldest entry of a Map leads past all that were deleted before it.
  const surplus = Math.max(1, Math.floor(most / 10))
  return {
    get: key => entries.get(key),
    put: (key, value) => {
      entries.delete(key)
      entries.set(key, value)
      if (entries.size <= most) return
      const oldest = entries.keys()
      for (let count = 0; count < surplus; count += 1) entries.delete(oldest.next().value ?? '')
    },
    forget: key => void entries.delete(key),
  }
}
