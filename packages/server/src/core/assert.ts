/** Checks what only a fault of our own can break. The call under way ends as `internal_error`, its transaction undone. */
export function assert(condition: boolean, why: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${why}`)
}

/** Ends an exhaustive switch: adding a case without handling it does not compile. */
export function unreachable(value: never): never {
  throw new Error(`Assertion failed: unexpected value ${JSON.stringify(value)}`)
}
