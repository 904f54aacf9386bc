/** Seconds as a number, or a text with its unit: `'500ms'`, `'30s'`, `'5m'`, `'2h'`, `'1d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const secondsOf: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 }

/**
 * @param name what the duration is for, named in the error
 * @returns seconds
 * @throws RangeError when it is neither a number of seconds from 0 nor a text like '30s'
 */
export function parseDuration(duration: Duration, name: string): number {
  if (typeof duration === 'number') {
    if (Number.isFinite(duration) && duration >= 0) return duration
  } else {
    const match = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)$/.exec(duration)
    const unit = secondsOf[match?.[2] ?? '']
    if (match !== null && unit !== undefined) return Number(match[1]) * unit
  }
  throw new RangeError(
    `${name} ${JSON.stringify(duration) ?? String(duration)} is not a duration; use seconds from 0 up, or a text like '500ms', '30s', '5m', '2h' or '1d'.`,
  )
}
