import type { Role } from '@tasklane/protocol'

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

/** What a call does, for the rule of who may. Every call names one. */
export type Access =
  /** Needs no login. */
  | 'public'
  /** Anybody who is logged in, whatever the role. */
  | 'self'
  | 'tasks.read'
  | 'tasks.submit'
  /** Verbs on tasks that exist. */
  | 'tasks.change'
  | 'workers.read'
  | 'workers.change'
  /** The worker protocol. */
  | 'workers.serve'
  | 'queues.read'
  | 'queues.change'
  /** Totals and rates. */
  | 'stats.read'
  /** Users, tokens and the audit log. */
  | 'accounts'

const allowed = Object.freeze<Record<Role, readonly Access[] | 'all'>>({
  admin: 'all',
  operator: [
    'self',
    'tasks.read',
    'tasks.submit',
    'tasks.change',
    'workers.read',
    'workers.change',
    'workers.serve',
    'queues.read',
    'queues.change',
    'stats.read',
  ],
  viewer: ['self', 'tasks.read', 'workers.read', 'queues.read', 'stats.read'],
  submitter: ['self', 'tasks.read', 'tasks.submit', 'tasks.change', 'stats.read'],
  worker: ['self', 'workers.serve'],
})

export function isAllowed(role: Role, access: Access): boolean {
  if (access === 'public') return true
  const list = allowed[role]
  return list === 'all' || list.includes(access)
}

/** Whether only what this one submitted exists for it. */
export function seesOwnTasksOnly({ role }: Principal): boolean {
  return role === 'submitter'
}
