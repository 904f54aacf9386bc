import { roles } from './account.ts'
import { limits } from './limits.ts'
import { nameSchema } from './schemas.ts'

/** JSON Schemas of what clients send about users and tokens. Secrets are `writeOnly`: no refusal tells them. */
const role = { enum: [...roles] }
/** How short a new one may be is told by the handler. */
const secret = { type: 'string', maxLength: limits.passwordCharsMax, writeOnly: true } as const
const nameToLogIn = { type: 'string', maxLength: limits.nameCharsMax } as const
const userName = {
  type: 'string',
  minLength: 1,
  maxLength: limits.nameCharsMax,
  pattern: '^[A-Za-z0-9_][A-Za-z0-9_.@+-]*$',
  description: 'Letters, digits, and `_ . @ + -`.',
} as const
const namesOrNull = {
  type: ['array', 'null'],
  minItems: 1,
  maxItems: limits.tokenNamesMax,
  items: nameSchema,
  description: 'Null, or left out, is all.',
} as const

/** The form of OAuth 2: what it does not know is let pass, as clients of other servers send it. */
export const loginFormSchema = {
  type: 'object',
  required: ['username', 'password'],
  properties: {
    grant_type: { type: 'string', description: '`password`, or left out.' },
    username: nameToLogIn,
    password: secret,
    scope: { type: 'string' },
    client_id: { type: 'string' },
    client_secret: secret,
  },
} as const

export const sessionSchema = {
  type: 'object',
  required: ['username', 'password'],
  additionalProperties: false,
  properties: { username: nameToLogIn, password: secret },
} as const

export const passwordChangeSchema = {
  type: 'object',
  required: ['current', 'new'],
  additionalProperties: false,
  properties: { current: secret, new: secret },
} as const

export const userDraftSchema = {
  type: 'object',
  required: ['name', 'password', 'role'],
  additionalProperties: false,
  properties: { name: userName, password: secret, role },
} as const

export const firstAdminSchema = {
  type: 'object',
  required: ['name', 'password'],
  additionalProperties: false,
  properties: { name: userName, password: secret },
} as const

export const userChangeSchema = {
  type: 'object',
  additionalProperties: false,
  properties: { role, disabled: { type: 'boolean' }, password: secret, end_sessions: { type: 'boolean' } },
} as const

export const serviceTokenDraftSchema = {
  type: 'object',
  required: ['name', 'role'],
  additionalProperties: false,
  properties: {
    name: userName,
    role,
    queues: namesOrNull,
    types: namesOrNull,
    expires_in: {
      type: ['number', 'null'],
      exclusiveMinimum: 0,
      maximum: limits.delaySecondsMax,
      description: 'Seconds from now; null, or left out, never expires.',
    },
  },
} as const
