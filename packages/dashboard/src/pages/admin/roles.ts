import { type Role, roles } from '@tasklane/protocol'

const texts: Readonly<Record<Role, string>> = {
  viewer: 'reads everything',
  submitter: 'submits, and sees and moves its own tasks only',
  operator: 'does all with tasks, queues and workers',
  worker: 'speaks the worker protocol and nothing else',
  admin: 'may do all',
}

/** For a list to choose from. */
export const roleChoices: readonly (readonly [Role, string])[] = roles.map(role => [role, `${role}: ${texts[role]}`])
