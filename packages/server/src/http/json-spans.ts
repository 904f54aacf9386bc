/**
 * Finds where the values of a JSON text stand without parsing it. It is used only on texts that hold a fault, to tell
 * which element the fault belongs to; it neither recurses nor builds anything, so that nesting of any depth is safe.
 * On a text that is no JSON it returns something harmless: the parser has the last word on that.
 */
export interface Span {
  /** The raw name for members of an object (escapes decoded), null for elements of an array. */
  readonly key: string | null
  readonly start: number
  readonly end: number
}

/** The members or elements of the container that starts at or after `from`, `most` at most; empty where there is none. */
export function childSpans(text: string, from: number, most: number): Span[] {
  const spans: Span[] = []
  let at = skipBlank(text, from)
  const opening = text[at]
  if (opening !== '{' && opening !== '[') return spans
  at = skipBlank(text, at + 1)
  while (spans.length < most && at < text.length && text[at] !== '}' && text[at] !== ']') {
    let key: string | null = null
    if (opening === '{') {
      const keyEnd = valueEnd(text, at)
      key = decodeKey(text.slice(at, keyEnd))
      at = skipBlank(text, skipBlank(text, keyEnd) + 1)
    }
    const end = valueEnd(text, at)
    spans.push({ key, start: at, end })
    at = skipBlank(text, end)
    if (text[at] !== ',') break
    at = skipBlank(text, at + 1)
  }
  return spans
}

/** The index after the value that starts at `from`. */
function valueEnd(text: string, from: number): number {
  const first = text[from]
  if (first === '"') return stringEnd(text, from)
  if (first !== '{' && first !== '[') {
    let end = from
    while (end < text.length && !',]} \t\r\n:'.includes(text.charAt(end))) end += 1
    return Math.max(end, from + 1)
  }
  let depth = 0
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x22) at = stringEnd(text, at) - 1
    else if (code === 0x7b || code === 0x5b) depth += 1
    else if (code === 0x7d || code === 0x5d) {
      depth -= 1
      if (depth === 0) return at + 1
    }
  }
  return text.length
}

/** The index after the closing quote of the string that opens at `from`. */
function stringEnd(text: string, from: number): number {
  let quote = text.indexOf('"', from + 1)
  while (quote !== -1 && isEscaped(text, quote, from)) quote = text.indexOf('"', quote + 1)
  return quote === -1 ? text.length : quote + 1
}

/** Is the character at `at` behind an odd number of backslashes? */
function isEscaped(text: string, at: number, from: number): boolean {
  let before = at - 1
  while (before > from && text.charCodeAt(before) === 0x5c) before -= 1
  return (at - before) % 2 === 0
}

function skipBlank(text: string, from: number): number {
  let at = from
  while (at < text.length && ' \t\r\n'.includes(text.charAt(at))) at += 1
  return at
}

function decodeKey(raw: string): string {
  try {
    const key: unknown = JSON.parse(raw)
    return typeof key === 'string' ? key : raw
  } catch {
    return raw
  }
}
