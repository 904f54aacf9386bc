import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isAllowed } from '../../core/access.ts'
import type { HttpContext } from '../context.ts'
import { type Topic, topics } from '../events/event-text.ts'
import type { Streams } from '../events/streams.ts'
import { describeCall } from '../openapi.ts'
import { type QuerySchema, queryOf } from '../query.ts'
import { refusal } from '../task-input.ts'

const query: QuerySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    topics: {
      type: 'string',
      maxLength: 100,
      description: `Separated by commas: ${topics.join(', ')}. All that the caller may see, if absent.`,
    },
  },
}

/** Live events, for pages: server-sent events (WHATWG HTML, section 9.2). */
export function addEventRoutes(app: FastifyInstance, context: HttpContext, streams: Streams): void {
  app.route({
    method: 'GET',
    url: '/api/events',
    exposeHeadRoute: false,
    config: { isLongPoll: true },
    schema: describeCall({
      operationId: 'events',
      access: 'tasks.read',
      tag: 'tasks',
      summary: 'What changes, live',
      description:
        'Server-sent events: `hello`, `tasks`, `workers`, `queues` and `alerts` {changed, more}, `stats`, and `reset`, after which everything is to be fetched anew. Changes are gathered and told at most four times a second; `more` counts what changed and is not named. `Last-Event-ID` goes on where a reader stopped, or is answered by `reset`. A submitter hears of its own tasks only.',
      headers: { 'Last-Event-ID': 'The id of the last event that was read.' },
      query,
      replies: { 200: ['Events, until either side closes', 'events'] },
      refuses: ['overloaded'],
    }),
    handler: (request, reply) => {
      const wanted = readTopics(queryOf<{ topics?: string }>(request).topics, request)
      const lastId = request.headers['last-event-id']
      const engine = context.engineOf(request)
      const { raw: response } = reply
      const ask = {
        response,
        address: request.ip,
        principal: request.principal,
        topics: wanted,
        lastId: typeof lastId === 'string' && lastId !== '' ? lastId.slice(0, 100) : null,
        stats: engine.stats,
        isStillWelcome: () => isStillWelcome(context, request),
      }
      // Refused before anything is sent, so that the refusal is a reply like every other.
      streams.check(ask.address)
      reply.hijack()
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) response.setHeader(name, value)
      }
      response.setHeader('content-type', 'text/event-stream; charset=utf-8')
      // Proxies that gather replies would gather this one for ever.
      response.setHeader('x-accel-buffering', 'no')
      response.writeHead(200)
      streams.open(ask)
    },
  })
}

function readTopics(list: string | undefined, { principal }: FastifyRequest): ReadonlySet<Topic> {
  const named = list === undefined ? topics : list.split(',').map(word => topicOf(word.trim()))
  const { role } = principal
  return new Set(
    named.filter(topic => {
      if (topic === 'workers') return isAllowed(role, 'workers.read')
      if (topic === 'queues') return isAllowed(role, 'queues.read')
      if (topic === 'alerts') return isAllowed(role, 'alerts.read')
      return true
    }),
  )
}

function topicOf(word: string): Topic {
  const topic = topics.find(each => each === word)
  if (topic !== undefined) return topic
  throw refusal('topics', `Topic '${word.slice(0, 40)}' is unknown; known are ${topics.join(', ')}.`)
}

/** Whoever had to say who it is must still be it: by the same token, in the same role. */
async function isStillWelcome({ access }: HttpContext, request: FastifyRequest): Promise<boolean> {
  if (request.credential === null) return true
  try {
    const caller = await access.authenticator.callerOf(request)
    return caller !== null && caller.principal.role === request.principal.role
  } catch {
    return false
  }
}
