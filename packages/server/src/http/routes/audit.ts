import { type AuditEntry, type AuditPage, limits } from '@tasklane/protocol'
import type { FastifyInstance } from 'fastify'
import { readCursor, writeCursor } from '../../core/cursor.ts'
import type { AuditFilter, AuditRecord } from '../../ports/accounts.ts'
import { readAuditPage } from '../auth/audit-page.ts'
import type { HttpContext } from '../context.ts'
import { formatInstant, parseInstant } from '../instant.ts'
import { describeCall } from '../openapi.ts'
import { type QuerySchema, queryOf } from '../query.ts'
import { validationProblem } from '../schema-check.ts'
import { shown } from '../schema-sentences.ts'

const text = { type: 'string', minLength: 1, maxLength: 256 }
const auditQuery: QuerySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    actor: { ...text, description: 'The name of a user, or `token:NAME`.' },
    action: { ...text, description: 'Such as `task.cancel`, `user.create` or `login`.' },
    subject: { ...text, description: 'The id or name of what it was done to.' },
    since: { ...text, description: 'Entries at this time or later, RFC 3339.' },
    until: { ...text, description: 'Entries before this time, RFC 3339.' },
    limit: {
      type: 'integer',
      minimum: 1,
      maximum: limits.pageAuditMax,
      description: 'Entries of one page; 100 if not said.',
    },
    cursor: { ...text, description: '`next_cursor` of the page before.' },
  },
}

interface AuditQuery {
  readonly actor?: string
  readonly action?: string
  readonly subject?: string
  readonly since?: string
  readonly until?: string
  readonly limit?: number
  readonly cursor?: string
}

const limitDefault = 100

/** What was done, by whom, from where, and with which outcome. */
export function addAuditRoutes(app: FastifyInstance, { access }: HttpContext): void {
  app.route({
    method: 'GET',
    url: '/api/audit',
    schema: describeCall({
      operationId: 'audit',
      access: 'accounts',
      tag: 'accounts',
      summary: 'The audit log, newest first',
      description:
        'Changes of tasks, queues, workers, users and tokens, and logins. Submits and the words of workers are in the history of their tasks instead.',
      query: auditQuery,
      replies: { 200: ['One page', 'AuditPage'] },
      refuses: ['cursor_invalid'],
    }),
    handler: async request => {
      const query = queryOf<AuditQuery>(request)
      const { actor = null, action = null, subject = null, limit = limitDefault, cursor, ...times } = query
      const filter: AuditFilter = { actor, action, subject }
      const filterText = JSON.stringify({ ...filter, ...times })
      const before = cursor === undefined ? null : readCursor(cursor, filterText)
      // Who asks sees what was done just before.
      await access.audit.flush()
      const span = { fromMs: readTime('since', times.since), untilMs: readTime('until', times.until) }
      const page = await readAuditPage(access.accounts, filter, { ...span, limit, before })
      const body: AuditPage = {
        entries: page.records.map(entryOf),
        next_cursor: page.next === null ? null : writeCursor(page.next, filterText),
      }
      return body
    },
  })
}

function readTime(field: string, text: string | undefined): number | null {
  if (text === undefined) return null
  const instant = parseInstant(text)
  if (instant !== null) return instant
  const detail = `Time ${shown(text)} is not in RFC 3339 with a zone; send one such as 2026-01-31T12:00:00Z.`
  throw validationProblem([{ pointer: field, detail }])
}

function entryOf(record: AuditRecord): AuditEntry {
  return {
    number: record.number,
    time: formatInstant(record.atMs),
    actor: record.actor,
    action: record.action,
    subject: record.subject,
    address: record.address,
    outcome: record.outcome,
    request_id: record.requestId,
    reason: record.reason,
  }
}
