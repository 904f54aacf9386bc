import { type AlertSilenceRequest, alertSeverities, alertStates, limits } from '@tasklane/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Problem } from '../../core/problem.ts'
import type { SilenceDraft } from '../../ports/alerts.ts'
import type { HttpContext } from '../context.ts'
import { parseInstant } from '../instant.ts'
import { bodyOf } from '../json-body.ts'
import { describeCall } from '../openapi.ts'
import { type QuerySchema, queryOf } from '../query.ts'
import { shown } from '../schema-sentences.ts'
import { refusal } from '../task-input.ts'

const text = { type: 'string', minLength: 1, maxLength: 256 }
const query: QuerySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    state: { ...text, description: `Separated by commas: ${alertStates.join(', ')}. Any, if absent.` },
    severity: { ...text, description: `Separated by commas: ${alertSeverities.join(', ')}. Any, if absent.` },
    rule: { ...text, description: 'The id of a rule.' },
    limit: {
      type: 'integer',
      minimum: 1,
      maximum: limits.pageAlertsMax,
      description: 'Alerts of one page; 100 if not said.',
    },
    cursor: { ...text, description: '`next_cursor` of the page before.' },
  },
}

interface AlertsQuery {
  readonly state?: string
  readonly severity?: string
  readonly rule?: string
  readonly limit?: number
  readonly cursor?: string
}

const limitDefault = 100
const params = { id: 'The number of the alert.' }

export function addAlertRoutes(app: FastifyInstance, context: HttpContext): void {
  const { engineOf } = context
  app.route({
    method: 'GET',
    url: '/api/alerts',
    schema: describeCall({
      operationId: 'alerts',
      access: 'alerts.read',
      tag: 'alerts',
      summary: 'Alerts, newest first',
      description:
        'Those that are pending or firing, and those that were resolved within the last 30 days, at most the newest 10,000 of them.',
      query,
      replies: { 200: ['One page', 'AlertPage'] },
      refuses: ['cursor_invalid'],
    }),
    handler: request => {
      const { state, severity, rule, limit = limitDefault, cursor } = queryOf<AlertsQuery>(request)
      const filter = {
        states: readWords('state', state, alertStates),
        severities: readWords('severity', severity, alertSeverities),
        ruleId: rule ?? null,
      }
      return engineOf(request).alerts.list(filter, { limit, cursor: cursor ?? null })
    },
  })
  app.route({
    method: 'GET',
    url: '/api/alerts/:id',
    schema: describeCall({
      operationId: 'alert',
      access: 'alerts.read',
      tag: 'alerts',
      summary: 'One alert',
      params,
      replies: { 200: ['The alert', 'Alert'] },
      refuses: ['alert_unknown'],
    }),
    handler: async request => engineOf(request).alerts.one(numberOf(request)),
  })
  addSilences(app, context)
}

function addSilences(app: FastifyInstance, { engineOf, clock }: HttpContext): void {
  const url = '/api/alerts/:id/silence'
  app.route({
    method: 'POST',
    url,
    schema: describeCall({
      operationId: 'silenceAlert',
      access: 'alerts.silence',
      audit: 'alert.silence',
      tag: 'alerts',
      summary: 'Silence an alert for a time',
      description:
        'No channel is told that this subject of this rule fires, also if the alert is resolved and another one begins. Who was told already is told when it is resolved. If it still fires when the silence is over, channels are told then.',
      params,
      body: 'AlertSilenceRequest',
      replies: { 200: ['The alert', 'Alert'] },
      refuses: ['alert_unknown', 'alert_resolved'],
    }),
    handler: async request => {
      const id = numberOf(request)
      const silence = readSilence(request, clock.now())
      request.audited = { reason: silence.reason }
      return engineOf(request).alerts.silence(id, silence)
    },
  })
  app.route({
    method: 'DELETE',
    url,
    schema: describeCall({
      operationId: 'unsilenceAlert',
      access: 'alerts.silence',
      audit: 'alert.unsilence',
      tag: 'alerts',
      summary: 'Take a silence back',
      params,
      replies: { 200: ['The alert', 'Alert'] },
      refuses: ['alert_unknown'],
    }),
    handler: async request => engineOf(request).alerts.silence(numberOf(request), null),
  })
}

function readSilence(request: FastifyRequest, nowMs: number): SilenceDraft {
  const { until, for: seconds, reason } = bodyOf<AlertSilenceRequest>(request)
  const said = { reason, by: request.principal.name }
  if (reason.trim() === '') throw refusal('/reason', 'The reason is empty; say why, for those who come later.')
  if (until !== undefined && seconds !== undefined) {
    throw refusal('/for', 'Both `until` and `for` are there; send one of them.')
  }
  if (seconds !== undefined) return { ...said, ends: { afterMs: Math.ceil(seconds * 1_000) } }
  if (until === undefined) {
    throw refusal('/until', 'The silence has no end; send `until`, a time, or `for`, seconds from now.')
  }
  const atMs = parseInstant(until)
  if (atMs === null) {
    const detail = `Time ${shown(until)} is not in RFC 3339 with a zone; send one such as 2026-01-31T12:00:00Z.`
    throw refusal('/until', detail)
  }
  if (atMs <= nowMs) throw refusal('/until', `Time ${shown(until)} has passed; send one that is to come.`)
  if (atMs > nowMs + limits.alertSilenceSecondsMax * 1_000) {
    const days = limits.alertSilenceSecondsMax / 86_400
    throw refusal('/until', `Time ${shown(until)} is more than ${days} days ahead; change the rule instead.`)
  }
  return { ...said, ends: { atMs } }
}

function readWords<const Word extends string>(
  field: string,
  list: string | undefined,
  known: readonly Word[],
): readonly Word[] | null {
  if (list === undefined) return null
  const words = list.split(',').map(part => {
    const word = known.find(each => each === part.trim())
    if (word === undefined) throw refusal(field, `Unknown ${field} ${shown(part)}; known are ${known.join(', ')}.`)
    return word
  })
  return [...new Set(words)]
}

/** What is no number names no alert; no store is asked for it. */
function numberOf(request: FastifyRequest): number {
  const { id } = request.params as { id: string } // The route's path has this parameter.
  if (/^[1-9]\d{0,14}$/.test(id)) return Number(id)
  throw new Problem('alert_unknown', `No alert has the number ${shown(id)}.`)
}
