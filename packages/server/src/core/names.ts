/** Names of queues or types as a store keeps them; null is all. */
export function namesText(names: readonly string[] | null): string | null {
  return names === null ? null : JSON.stringify(names)
}

/** What `namesText` wrote. */
export function readNames(text: string | null): readonly string[] | null {
  return text === null ? null : (JSON.parse(text) as readonly string[]) // Written by `namesText`.
}
