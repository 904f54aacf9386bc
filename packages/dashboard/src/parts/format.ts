/** Numbers and times as people read them. */
const whole = new Intl.NumberFormat('en-US')
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })

export function count(n: number): string {
  return n < 100_000 ? whole.format(n) : short.format(n)
}

export function exactCount(n: number): string {
  return whole.format(n)
}

export function plural(n: number, noun: string, many = `${noun}s`): string {
  return `${whole.format(n)} ${n === 1 ? noun : many}`
}

export function rate(perSecond: number): string {
  const perMinute = perSecond * 60
  if (perMinute === 0) return '0/min'
  if (perSecond >= 100) return `${count(Math.round(perSecond))}/s`
  return `${perMinute < 10 ? perMinute.toFixed(1) : count(Math.round(perMinute))}/min`
}

/** A span of milliseconds: 240 ms, 3.2 s, 4 m 10 s, 2 h 5 m, 3 d 4 h. */
export function span(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return '–'
  if (ms < 1) return '<1 ms'
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const seconds = ms / 1_000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return two(minutes, 'm', Math.floor(seconds % 60), 's')
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return two(hours, 'h', minutes % 60, 'm')
  return two(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

/** Of what still goes on: in whole seconds, since it changes with each. */
export function runningSpan(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  return seconds < 60 ? `${seconds} s` : span(seconds * 1_000)
}

function two(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`
}

export function bytes(n: number): string {
  return n < 1_024 ? `${n} B` : n < 1_048_576 ? `${(n / 1_024).toFixed(1)} KiB` : `${(n / 1_048_576).toFixed(1)} MiB`
}

export function ago(ms: number): string {
  if (Math.abs(ms) < 1_500) return 'now'
  return ms > 0 ? `${briefSpan(ms)} ago` : `in ${briefSpan(-ms)}`
}

function briefSpan(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} m`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`
}

const local = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const localClock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })

export function localTime(at: Date): string {
  return local.format(at)
}

export function shortLocalTime(at: Date, now: number): string {
  return at.toDateString() === new Date(now).toDateString() ? localClock.format(at) : local.format(at)
}

export function utcTime(at: Date): string {
  return `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

export function json(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? 'null'
}
