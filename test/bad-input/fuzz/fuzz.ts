import type { Client, Reply } from '../support/client.ts'
import type { Document } from '../support/document.ts'
import { createMemory, type Draft, draftRequest, type Memory, requestOfDraft } from './generate.ts'
import { createJudge } from './judge.ts'
import { createRandom } from './random.ts'
import { curlOf, shrinkDraft } from './shrink.ts'

export interface FuzzOptions {
  readonly url: string
  readonly client: Pick<Client, 'send'>
  readonly document: Document
  readonly seed: number
  /** It ends with the first of the two. */
  readonly requestsMax: number
  readonly seconds: number
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
}

export interface Finding {
  readonly fault: string
  /** The smallest request that still shows it. */
  readonly curl: string
  /** How many requests had been sent; what they left behind may be part of the fault. */
  readonly after: number
}

export interface FuzzReport {
  readonly seed: number
  readonly requests: number
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>
  /** Calls that were served at least once with success. */
  readonly served: readonly string[]
  readonly findings: readonly Finding[]
}

/** One fault is worth more than a hundred of the same kind. */
const findingsMax = 10

/** Sends requests made by chance from the document, and holds every answer against it. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { client, document, seed, url } = options
  const random = createRandom(seed)
  const judge = createJudge(document)
  const memory = createMemory()
  const statuses: Record<string, number> = {}
  const served = new Set<string>()
  const findings = new Map<string, Finding>()
  const faultOf = async (draft: Draft): Promise<string | null> => {
    const request = requestOfDraft(draft)
    let reply: Reply
    try {
      reply = await client.send(request)
    } catch (error) {
      return `there was no answer: ${error instanceof Error ? error.message : String(error)}`
    }
    statuses[reply.status] = (statuses[reply.status] ?? 0) + 1
    if (reply.status < 300 && request.method !== 'OPTIONS') served.add(draft.operationId)
    remember(memory, reply)
    return judge(draft.operationId, request, reply)
  }
  const endsAt = options.now() + options.seconds * 1_000
  let requests = 0
  while (requests < options.requestsMax && options.now() < endsAt && findings.size < findingsMax) {
    const draft = draftRequest(document.routes, memory, random)
    requests += 1
    const fault = await faultOf(draft)
    const kind = `${draft.operationId}: ${fault}`
    if (fault === null || findings.has(kind)) continue
    const smallest = await shrinkDraft(draft, async smaller => (await faultOf(smaller)) === fault)
    findings.set(kind, { fault: kind, curl: curlOf(url, smallest), after: requests })
  }
  return { seed, requests, statuses, served: [...served].sort(), findings: [...findings.values()] }
}

const rememberedMax = 60

function remember(memory: Memory, reply: Reply): void {
  const body = Object(reply.body)
  keep(memory.tasks, body.task_id)
  keep(memory.workers, body.worker_id)
  keep(memory.cursors, body.next_cursor)
}

function keep(names: string[], name: unknown): void {
  if (typeof name !== 'string' || names.includes(name)) return
  names.push(name)
  // The oldest makes room; the first two are there from the start.
  if (names.length > rememberedMax) names.splice(2, 1)
}

/** What a person needs to see it again. */
export function tell({ seed, requests, findings }: FuzzReport): string {
  const faults = findings.map(
    ({ fault, curl, after }) => `${fault}\n  after ${after} requests: ${curl.slice(0, 2_000)}`,
  )
  const replay = `npm run fuzz -- --seed ${seed} --requests ${requests}`
  return [`Seed ${seed}, ${requests} requests. Replay: ${replay}`, ...faults].join('\n')
}
