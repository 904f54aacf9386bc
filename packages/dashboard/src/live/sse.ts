/** One event of a stream of server-sent events. */
export interface StreamEvent {
  readonly id: string | null
  readonly event: string
  readonly data: string
}

/** Reads a stream to its end, event by event, whatever pieces the network makes of it. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      rest += decoder.decode(value, { stream: true })
      // A CR may be the half of a line's end that has come already.
      const text = rest.endsWith('\r') ? rest.slice(0, -1) : rest
      const blocks = text.replaceAll('\r\n', '\n').replaceAll('\r', '\n').split('\n\n')
      rest = (blocks.pop() ?? '') + (rest.endsWith('\r') ? '\r' : '')
      for (const block of blocks) {
        const event = parseEvent(block)
        if (event !== null) yield event
      }
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}

export function parseEvent(block: string): StreamEvent | null {
  let id: string | null = null
  let event = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    if (line.startsWith(':')) continue
    const colon = line.indexOf(':')
    const name = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'id') id = value
    else if (name === 'event') event = value
    else if (name === 'data') data.push(value)
  }
  return data.length === 0 ? null : { id, event, data: data.join('\n') }
}
