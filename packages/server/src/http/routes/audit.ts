import { type AuditEntry, type AuditPage, limits } from '@tasklane/protocol'
import type { FastifyInstance } from 'fastify'
import { readCursor, writeCursor } from '../../core/cursor.ts'
import type { AuditFilter, AuditRecord } from '../../ports/accounts.ts'
import type { HttpContext } from '../context.ts'
import { formatInstant } from '../instant.ts'
import { describeCall } from '../openapi.ts'
import { type QuerySchema, queryOf } from '../query.ts'

const text = { type: 'string', minLength: 1, maxLength: 256 }
const auditQuery: QuerySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    actor: { ...text, description: 'The name of a user, or `token:NAME`.' },
    action: { ...text, description: 'Such as `task.cancel`, `user.create` or `login`.' },
    subject: { ...text, description: 'The id or name of what it was done to.' },
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
      const { actor = null, action = null, subject = null, limit = limitDefault, cursor } = queryOf<AuditQuery>(request)
      const filter: AuditFilter = { actor, action, subject }
      const filterText = JSON.stringify(filter)
      const before = cursor === undefined ? null : readCursor(cursor, filterText)
      // Who asks sees what was done just before.
      await access.audit.flush()
      const found = await access.accounts.audit(filter, { limit: limit + 1, before })
      const records = found.slice(0, limit)
      const last = records.at(-1)
      const hasMore = found.length > limit && last !== undefined
      const page: AuditPage = {
        entries: records.map(entryOf),
        next_cursor: hasMore ? writeCursor(last.number, filterText) : null,
      }
      return page
    },
  })
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
  }
}
