/** Names that somebody is limited to; null is all. */
export type Names = readonly string[] | null

/** What is in both. */
export function narrowed(one: Names, other: Names): Names {
  if (one === null) return other
  return other === null ? one : one.filter(name => other.includes(name))
}

export function isWithin(name: string, names: Names): boolean {
  return names === null || names.includes(name)
}

/** Whether all of the first are among the second. */
export function areWithin(names: Names, most: Names): boolean {
  return most === null || (names?.every(name => most.includes(name)) ?? false)
}
