const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** A span of time in two units at most: `12 ms`, `3.4 s`, `2m 05s`, `3h 20m`, `4d 2h`. */
export function formatDuration(ms: number): string {
  if (ms < 1) return ms <= 0 ? '0 ms' : '<1 ms'
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < minuteMs - 500) return `${Math.round(ms / 1_000)} s`
  const seconds = Math.round(ms / 1_000)
  if (ms < hourMs - 500) return `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, '0')}s`
  const minutes = Math.floor(ms / minuteMs)
  if (ms < dayMs) return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, '0')}m`
  return `${Math.floor(ms / dayMs)}d ${Math.floor((ms % dayMs) / hourMs)}h`
}

/** How long ago, or how far ahead, an RFC 3339 time is: `5 s ago`, `in 2m 00s`. */
export function formatAge(time: string | null, nowMs: number): string {
  if (time === null) return '-'
  const ageMs = nowMs - Date.parse(time)
  // Clocks of two machines differ a little.
  if (Math.abs(ageMs) < 1_000) return 'now'
  return ageMs > 0 ? `${formatDuration(ageMs)} ago` : `in ${formatDuration(-ageMs)}`
}

/** With separators in thousands: `1,234,567`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** In powers of 1,024: `830 B`, `1.2 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let at = 0
  for (; value >= 1_024 && at < units.length - 1; at += 1) value /= 1_024
  return at === 0 ? `${value} B` : `${value.toFixed(1)} ${units[at] ?? ''}`
}

/** Tasks a second: `0.4`, `12`, `1,250`. */
export function formatRate(perSecond: number): string {
  return perSecond === 0 || perSecond >= 10 ? formatCount(Math.round(perSecond)) : perSecond.toFixed(1)
}

/** `1 file`, `2 files`. */
export function formatPlural(count: number, one: string, many: string = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

/**
 * The nearest-rank percentile: the smallest value with at least `percent` per cent of all at or below it; 0 of none.
 * @param values in any order
 */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? 0
}
