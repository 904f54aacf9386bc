import { alertKinds, alertSeverities } from './alert.ts'
import { limits } from './limits.ts'
import { nameSchema } from './schemas.ts'

/** JSON Schemas of what clients send about alerts. What a kind of rule can say beside is told by the handler. */
const title = { type: 'string', minLength: 1, maxLength: limits.nameCharsMax } as const
const severity = { enum: [...alertSeverities] }
const nameOrNull = { ...nameSchema, type: ['string', 'null'] }

const ruleFields = {
  name: title,
  threshold: { type: 'number', exclusiveMinimum: 0, maximum: 1_000_000_000 },
  window: { type: 'integer', minimum: 1, maximum: 86_400, description: 'Seconds that are looked back.' },
  least: {
    type: 'integer',
    minimum: 1,
    maximum: 1_000_000,
    description: 'Below so many ended tasks a rate says nothing.',
  },
  for: {
    type: 'number',
    minimum: 0,
    maximum: limits.alertForSecondsMax,
    description: 'For so many seconds the condition has to hold before an alert fires.',
  },
  severity,
  queue: { ...nameOrNull, description: 'Null, or left out, is every queue, or all of them together.' },
  task_type: { ...nameOrNull, description: 'Null, or left out, is every type.' },
  enabled: { type: 'boolean' },
} as const

export const alertRuleDraftSchema = {
  type: 'object',
  required: ['name', 'kind'],
  additionalProperties: false,
  properties: { ...ruleFields, kind: { enum: [...alertKinds] } },
} as const

export const alertRuleChangeSchema = {
  type: 'object',
  additionalProperties: false,
  properties: ruleFields,
} as const

export const alertSilenceSchema = {
  type: 'object',
  required: ['reason'],
  additionalProperties: false,
  properties: {
    until: { type: 'string', format: 'date-time', description: 'Either this or `for`.' },
    for: {
      type: 'number',
      exclusiveMinimum: 0,
      maximum: limits.alertSilenceSecondsMax,
      description: 'Seconds from now.',
    },
    reason: { type: 'string', minLength: 1, maxLength: limits.titleCharsMax },
  },
} as const

const channelFields = {
  name: title,
  url: {
    type: 'string',
    minLength: 1,
    maxLength: limits.channelUrlCharsMax,
    description: 'http or https; to an address on the internet, or to one that the operator allows.',
  },
  secret: {
    type: ['string', 'null'],
    minLength: limits.channelSecretCharsMin,
    maxLength: limits.channelSecretCharsMax,
    writeOnly: true,
    description: 'Messages are signed with it; null, or left out, signs none. It is never shown again.',
  },
  severities: { type: 'array', minItems: 1, maxItems: alertSeverities.length, items: severity },
  enabled: { type: 'boolean' },
  remind_every_s: {
    type: ['integer', 'null'],
    minimum: limits.alertRemindSecondsMin,
    maximum: limits.alertRemindSecondsMax,
    description: 'It is told again of what goes on firing, after so many seconds each time; null, or left out, never.',
  },
} as const

export const alertChannelDraftSchema = {
  type: 'object',
  required: ['name', 'url'],
  additionalProperties: false,
  properties: channelFields,
} as const

export const alertChannelChangeSchema = {
  type: 'object',
  additionalProperties: false,
  properties: channelFields,
} as const
