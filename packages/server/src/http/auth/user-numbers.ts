import type { HttpContext } from '../context.ts'

/**
 * Of each of these submitters the number of the user: 1, the first admin's, where nobody had to say who they were; null
 * for a token's.
 */
export async function userNumbers(
  { access: { directory } }: Pick<HttpContext, 'access'>,
  submitters: readonly (string | null)[],
): Promise<readonly (number | null)[]> {
  if (submitters.every(name => name === null)) return submitters.map(() => 1)
  const { users } = directory.fresh() ?? (await directory.refreshed())
  return submitters.map(name => (name === null ? 1 : (users.get(name)?.number ?? null)))
}
