import { type Role, roles } from '@tasklane/protocol'

/** Who makes a call, as far as rules depend on it. */
export interface Principal {
  /** `open`: nobody had to say who they are; such a caller is admin. */
  readonly kind: 'open' | 'user' | 'token'
  /** What stands in `submitted_by` and in the audit log: the user's name, or `token:NAME`; null where nobody said. */
  readonly name: string | null
  readonly role: Role
  /** What a token is for; null is all. */
  readonly queues: readonly string[] | null
  readonly types: readonly string[] | null
}

export const openPrincipal: Principal = Object.freeze({
  kind: 'open',
  name: null,
  role: 'admin',
  queues: null,
  types: null,
})

/** Who calls what needs no login, where a login is required otherwise: should a handler ask, this one may do nothing. */
export const nobody: Principal = Object.freeze({ kind: 'open', name: null, role: 'worker', queues: [], types: [] })

/** What a call does, for the rule of who may. Every call names one; here with the words of a refusal. */
const does = Object.freeze({
  /** Needs no login. */
  public: 'do what anybody may',
  /** Anybody who is logged in, whatever the role. */
  self: 'do what everybody may who is logged in',
  'tasks.read': 'read tasks',
  /** What a task's parents have left for it: of the readers, and of the worker that runs the child. */
  'parents.read': 'read the results of parents',
  'tasks.submit': 'submit tasks',
  /** Verbs on tasks that exist. */
  'tasks.change': 'change tasks',
  'workers.read': 'look at workers',
  'workers.change': 'drain workers',
  /** The worker protocol. */
  'workers.serve': 'act as a worker',
  'queues.read': 'look at queues',
  'queues.change': 'pause or resume queues',
  /** Totals and rates. */
  'stats.read': 'read totals and rates',
  /** How all of it went and what failed, whoever submitted it. */
  'overview.read': 'look at the history of rates or at the groups of failures',
  'alerts.read': 'look at alerts and their rules',
  'alerts.silence': 'silence alerts',
  /** Rules, and the channels by which people are told. */
  'alerts.manage': 'change alert rules, or look at or change channels',
  /** Users, tokens and the audit log. */
  accounts: 'manage users and tokens, or read the audit log',
} as const)

export type Access = keyof typeof does

export function isAccess(word: unknown): word is Access {
  return typeof word === 'string' && Object.hasOwn(does, word)
}

const allowed = Object.freeze<Record<Role, readonly Access[] | 'all'>>({
  admin: 'all',
  operator: [
    'self',
    'tasks.read',
    'parents.read',
    'tasks.submit',
    'tasks.change',
    'workers.read',
    'workers.change',
    'workers.serve',
    'queues.read',
    'queues.change',
    'stats.read',
    'overview.read',
    'alerts.read',
    'alerts.silence',
  ],
  viewer: [
    'self',
    'tasks.read',
    'parents.read',
    'workers.read',
    'queues.read',
    'stats.read',
    'overview.read',
    'alerts.read',
  ],
  submitter: ['self', 'tasks.read', 'parents.read', 'tasks.submit', 'tasks.change', 'stats.read'],
  worker: ['self', 'parents.read', 'workers.serve'],
})

export function isAllowed(role: Role, access: Access): boolean {
  if (access === 'public') return true
  const list = allowed[role]
  return list === 'all' || list.includes(access)
}

/** All that this role may do, but for what anybody may. */
export function accessOf(role: Role): readonly Access[] {
  return Object.keys(does)
    .filter(isAccess)
    .filter(access => access !== 'public' && isAllowed(role, access))
}

/** Why not, and what it would take. */
export function refusalSentence(role: Role, access: Access): string {
  const able = roles.filter(other => isAllowed(other, access))
  const last = able.at(-1) ?? ''
  const others = able.slice(0, -1).join(', ')
  return `The role ${role} may not ${does[access]}; that takes the role ${others === '' ? last : `${others} or ${last}`}.`
}

/** Whether only what this one submitted exists for it. */
export function seesOwnTasksOnly({ role }: Principal): boolean {
  return role === 'submitter'
}
