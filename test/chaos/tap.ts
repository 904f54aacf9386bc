import type { VerdictSeen } from './model.ts'
import type { Tap } from './proxy.ts'

export interface TapEvents {
  onVerdict(verdict: VerdictSeen): void
  /** The bytes were no HTTP that this reader knows. What follows on the connection is not read. */
  onUnreadable(why: string): void
}

interface Message {
  readonly head: string
  readonly body: string
}

/**
 * Reads every answer to a settle on its way. So it is known what the scheduler said even where the worker that it was
 * said to is stopped, dead, or behind a link that lost the reply.
 */
export function createSettleTap({ onVerdict, onUnreadable }: TapEvents): Tap {
  const asked: Message[] = []
  let isBlind = false
  const give = (why: string): void => {
    if (!isBlind) onUnreadable(why)
    isBlind = true
  }
  const requests = createMessageReader(message => asked.push(message), give)
  const replies = createMessageReader(reply => {
    const request = asked.shift()
    if (request === undefined) give('a reply came without a request')
    else readVerdicts(request, reply, onVerdict)
  }, give)
  return {
    request: bytes => {
      if (!isBlind) requests(bytes)
    },
    reply: bytes => {
      if (!isBlind) replies(bytes)
    },
  }
}

function readVerdicts(request: Message, reply: Message, onVerdict: TapEvents['onVerdict']): void {
  const worker = /^POST \/api\/workers\/([^/ ]+)\/settle /.exec(request.head)?.[1]
  if (worker === undefined || !/^HTTP\/1\.1 200 /.test(reply.head)) return
  // Both texts are of the settle call, whose shapes are the protocol's.
  const asked = JSON.parse(request.body) as { results: { task_id: string; epoch: number; outcome: string }[] }
  const said = JSON.parse(reply.body) as { results: { verdict: string }[] }
  const at = Date.now()
  const mono = Number(process.hrtime.bigint() / 1_000n) / 1_000
  for (const [index, { task_id, epoch, outcome }] of asked.results.entries()) {
    const verdict = said.results[index]?.verdict ?? 'missing'
    onVerdict({ at, mono, worker: decodeURIComponent(worker), task: task_id, epoch, outcome, verdict })
  }
}

/** Messages with a `content-length` or without a body, as all parties here send them. */
function createMessageReader(onMessage: (message: Message) => void, onFault: (why: string) => void) {
  let rest: Buffer = Buffer.alloc(0)
  return (bytes: Buffer): void => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    for (;;) {
      const headEnd = rest.indexOf('\r\n\r\n')
      if (headEnd === -1) return
      const head = rest.toString('latin1', 0, headEnd)
      if (/^transfer-encoding:/im.test(head)) {
        onFault(`a message is chunked: ${head.split('\r\n')[0]}`)
        return
      }
      const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
      const bodyStart = headEnd + 4
      if (rest.length < bodyStart + length) return
      onMessage({ head, body: rest.toString('utf8', bodyStart, bodyStart + length) })
      rest = rest.subarray(bodyStart + length)
    }
  }
}
