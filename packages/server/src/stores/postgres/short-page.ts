/** A list of up to so many is read by a statement that says so. */
export const shortPageMax = 1_000

/**
 * A walk down an index of (something, number + 0) that ends when the page is full. Three things keep the planner from the
 * primary key, and from fetching and sorting all that the index has, which may be a million rows: the addition, a literal
 * limit, and that it cannot guess how much the conditions leave over.
 *
 * @param select from a table as `t`, with what the index finds in its WHERE
 * @param conditions of all else
 */
export function shortPage(select: string, conditions: string): string {
  return `SELECT * FROM (${select} AND CASE WHEN ${conditions} THEN true ELSE false END
    ORDER BY t.number + 0 DESC LIMIT ${shortPageMax}) AS p ORDER BY number + 0 DESC`
}
