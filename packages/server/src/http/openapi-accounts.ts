import { roles } from '@tasklane/protocol'

/** Replies about logins, users, tokens and the audit log, for the document. */
const string = { type: 'string' }
const time = { type: 'string', format: 'date-time' }
const timeOrNull = { type: ['string', 'null'], format: 'date-time' }
const stringOrNull = { type: ['string', 'null'] }
const namesOrNull = { type: ['array', 'null'], items: string, description: 'Null is all.' }
const role = { enum: [...roles] }
const auth = { enum: ['open', 'required', 'off'] }

function object(properties: Readonly<Record<string, object>>): object {
  return { type: 'object', properties, required: Object.keys(properties) }
}

function listOf(name: string): object {
  return { type: 'array', items: { $ref: `${name}#` } }
}

const serviceToken = {
  token_id: string,
  name: string,
  role,
  queues: namesOrNull,
  types: namesOrNull,
  created_by: stringOrNull,
  created_at: time,
  expires_at: timeOrNull,
  revoked_at: timeOrNull,
  last_used_at: { ...timeOrNull, description: 'To the minute.' },
  status: { enum: ['active', 'expired', 'revoked'] },
}

export const accountReplySchemas = {
  TokenReply: object({
    access_token: string,
    token_type: { enum: ['bearer'] },
    expires_in: { type: 'integer', description: 'Seconds.' },
    scope: { ...string, description: 'What the role may do, separated by spaces.' },
  }),
  SessionReply: object({ name: string, role, expires_at: time }),
  Me: object({
    name: stringOrNull,
    role,
    kind: { enum: ['open', 'user', 'token'] },
    auth,
    queues: namesOrNull,
    types: namesOrNull,
    expires_at: timeOrNull,
    may: { type: 'array', items: string },
    trace_url: {
      type: ['string', 'null'],
      description: 'Where the trace of a task is looked at, with `{trace_id}` in it.',
    },
    first_password: { type: 'boolean', description: 'Logged in with the password of the first start.' },
  }),
  Site: object({
    auth,
    environment: stringOrNull,
    first_start: {
      enum: ['printed', 'configured', 'none', null],
      description:
        'Where the password of the one user there is comes from, as long as nobody else is set up; `none` where there is no user yet.',
    },
  }),
  About: object({
    version: string,
    runtime: string,
    store: object({ kind: { enum: ['memory', 'sqlite', 'postgres'] }, place: stringOrNull }),
    nodes: { type: ['integer', 'null'], description: 'Nodes that share the store; null where that cannot be told.' },
    started_at: time,
    uptime_seconds: { type: 'number' },
    auth,
    environment: stringOrNull,
  }),
  User: object({ name: string, role, disabled: { type: 'boolean' }, created_at: time, changed_at: time }),
  UserList: object({ users: listOf('User') }),
  ServiceToken: object(serviceToken),
  NewServiceToken: object({ ...serviceToken, token: { ...string, description: 'The secret, shown this once.' } }),
  ServiceTokenList: object({ tokens: listOf('ServiceToken') }),
  AuditPage: object({
    entries: {
      type: 'array',
      items: object({
        number: { type: 'integer' },
        time,
        actor: stringOrNull,
        action: string,
        subject: stringOrNull,
        address: stringOrNull,
        outcome: { ...string, description: '`ok`, or the code of the refusal.' },
        request_id: stringOrNull,
        reason: { ...stringOrNull, description: 'Why, in the words of who did it; such as of a pause.' },
      }),
    },
    next_cursor: stringOrNull,
  }),
} as const satisfies Record<string, object>
