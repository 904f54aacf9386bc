const shape = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/

/**
 * Reads an RFC 3339 instant, zone included, or returns null. The calendar is checked (`Date.parse` makes March 2nd of
 * February 30th). A leap second is read as the second after it, as POSIX time has it. Fractions are cut to milliseconds.
 *
 * @returns milliseconds since 1970
 */
export function parseInstant(text: string): number | null {
  const match = shape.exec(text)
  if (match === null) return null
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number)
  if (year === undefined || month === undefined || day === undefined) return null
  if (hour === undefined || minute === undefined || second === undefined) return null
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return null
  if (hour > 23 || minute > 59 || second > 60) return null
  const offsetHours = Number(match[9] ?? 0)
  const offsetMinutes = Number(match[10] ?? 0)
  if (offsetHours > 23 || offsetMinutes > 59) return null
  const milliseconds = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3))
  const offsetMs = (match[8] === '-' ? -1 : 1) * (offsetHours * 60 + offsetMinutes) * 60_000
  // Date.UTC takes the years 0 to 99 for 1900 to 1999; no time of a task is that old.
  if (year < 100) return null
  const startOfMinuteMs = Date.UTC(year, month - 1, day, hour, minute) - offsetMs
  if (second === 60 && !isLastMinuteOfUtcDay(startOfMinuteMs)) return null
  return startOfMinuteMs + second * 1_000 + (second === 60 ? 0 : milliseconds)
}

/** The tasks of one reply share few instants, and making the text of one costs as much as half the task around it. */
const cacheSize = 256
const cachedMs: number[] = new Array(cacheSize).fill(Number.NaN)
const cachedTexts: string[] = new Array(cacheSize).fill('')

export function formatInstant(ms: number): string {
  const at = ms & (cacheSize - 1)
  if (cachedMs[at] !== ms) {
    cachedTexts[at] = new Date(ms).toISOString()
    cachedMs[at] = ms
  }
  return cachedTexts[at] ?? ''
}

function daysIn(year: number, month: number): number {
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  if (month === 2) return isLeap ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

function isLastMinuteOfUtcDay(startOfMinuteMs: number): boolean {
  const msOfDay = ((startOfMinuteMs % 86_400_000) + 86_400_000) % 86_400_000
  return msOfDay === 86_340_000
}
