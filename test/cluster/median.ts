/** Of a few measurements, in tenths. */
export function median(values: readonly number[]): string {
  const inOrder = values.toSorted((one, other) => one - other)
  return (inOrder[Math.floor(inOrder.length / 2)] ?? Number.NaN).toFixed(1)
}
