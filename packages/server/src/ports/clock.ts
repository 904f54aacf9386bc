/** The only source of time, timers and chance. Fakes implement it, so that tests and simulations own all three. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump. */
  now(): number
  /** Milliseconds that only go forward. */
  monotonic(): number
  /** 0 inclusive to 1 exclusive. */
  random(): number
  fillRandom(bytes: Uint8Array): void
  /** Calls back once after `ms`, unless cancelled by the function returned. */
  after(ms: number, callback: () => void): () => void
  /** Calls back once when everything that has already arrived was read: the moment to commit a group. */
  soon(callback: () => void): void
}
