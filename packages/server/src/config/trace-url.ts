import type { Reader } from './reader.ts'

const placeholder = '{trace_id}'
const charsMax = 2_000

/**
 * Where a trace is looked at, for a link from each task that has one. It becomes a link in a page: only a web address may
 * be one, the id stands behind its host, and no password is shown to whoever sees tasks.
 */
export function readTraceUrl({ env, faults }: Reader): string | null {
  const text = (env.TASKLANE_TRACE_URL ?? '').trim()
  if (text === '') return null
  const [one, other] = ['0', 'f'].map(digit => parse(text, digit.repeat(32)))
  const isGood =
    text.length <= charsMax &&
    text.includes(placeholder) &&
    one != null &&
    one.origin === other?.origin &&
    (one.protocol === 'https:' || one.protocol === 'http:') &&
    one.username === '' &&
    one.password === ''
  if (isGood) return text
  // What is wrong with it may be the password in it.
  faults.push(
    `TASKLANE_TRACE_URL takes an address that begins with http:// or https://, without a user in it, of up to ${charsMax} characters, with ${placeholder} where the id belongs, such as https://jaeger.example/trace/${placeholder}.`,
  )
  return null
}

function parse(template: string, id: string): URL | null {
  const text = template.replaceAll(placeholder, id)
  return URL.canParse(text) ? new URL(text) : null
}
