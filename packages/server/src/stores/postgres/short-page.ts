/** A list of up to so many is read by a statement that says so. */
export const shortPageMax = 1_000

/**
 * A walk down an index that ends when the page is full. What keeps the planner from fetching and sorting all that matches,
 * which may be a million rows, also where it has never looked at the table: a literal limit, and that it cannot guess how
 * much the conditions leave over.
 *
 * @param select from a table as `t`, with what the index finds in its WHERE
 * @param conditions of all else
 * @param order `t.number` by the primary key; the sum keeps the planner from it, where the index is of (something, number + 0)
 */
export function shortPage(
  select: string,
  conditions: string,
  order: 't.number' | 't.number + 0' = 't.number + 0',
): string {
  return `SELECT * FROM (${select} AND CASE WHEN ${conditions} THEN true ELSE false END
    ORDER BY ${order} DESC LIMIT ${shortPageMax}) AS p ORDER BY ${order.slice(2)} DESC`
}
