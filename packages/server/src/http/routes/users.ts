import type { User, UserChange, UserDraft } from '@tasklane/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Problem } from '../../core/problem.ts'
import type { UserRecord } from '../../ports/accounts.ts'
import { isUserName } from '../auth/logins.ts'
import { passwordFault } from '../auth/passwords.ts'
import type { HttpContext } from '../context.ts'
import { formatInstant } from '../instant.ts'
import { bodyOf } from '../json-body.ts'
import { describeCall } from '../openapi.ts'
import { refusal } from '../task-input.ts'

const params = { name: 'The name of the user.' }

/** Users, for admins. They are disabled, never deleted: what they did keeps their name. */
export function addUserRoutes(app: FastifyInstance, context: HttpContext): void {
  const { accounts } = context.access
  app.route({
    method: 'GET',
    url: '/api/users',
    schema: describeCall({
      operationId: 'users',
      access: 'accounts',
      tag: 'accounts',
      summary: 'All users',
      replies: { 200: ['The users, oldest first', 'UserList'] },
    }),
    handler: async () => ({ users: (await accounts.users()).map(userOf) }),
  })
  app.route({
    method: 'GET',
    url: '/api/users/:name',
    schema: describeCall({
      operationId: 'user',
      access: 'accounts',
      tag: 'accounts',
      summary: 'One user',
      params,
      replies: { 200: ['The user', 'User'] },
      refuses: ['user_unknown'],
    }),
    handler: async request => userOf(known(await accounts.user(nameOf(request)), request)),
  })
  addCreate(app, context)
  addChange(app, context)
}

function addCreate(app: FastifyInstance, { access }: HttpContext): void {
  app.route({
    method: 'POST',
    url: '/api/users',
    schema: describeCall({
      operationId: 'createUser',
      access: 'accounts',
      audit: 'user.create',
      tag: 'accounts',
      summary: 'Create a user',
      body: 'UserDraft',
      replies: { 201: ['The new user', 'User'] },
      refuses: ['user_exists', 'overloaded'],
    }),
    handler: async (request, reply) => {
      const { name, password, role } = bodyOf<UserDraft>(request)
      request.audited = { subject: name }
      const fault = passwordFault(password, name)
      if (fault !== null) throw refusal('/password', fault)
      const passwordHash = await access.passwords.hash(password)
      const user = await access.accounts.createUser({ name, passwordHash, role })
      if (user === null) throw new Problem('user_exists', `A user named '${name}' exists.`)
      access.directory.invalidate()
      return reply
        .code(201)
        .header('location', `/api/users/${encodeURIComponent(name)}`)
        .send(userOf(user))
    },
  })
}

function addChange(app: FastifyInstance, { access }: HttpContext): void {
  app.route({
    method: 'PATCH',
    url: '/api/users/:name',
    schema: describeCall({
      operationId: 'changeUser',
      access: 'accounts',
      audit: 'user.change',
      tag: 'accounts',
      summary: 'Change role or password of a user, disable or enable it, end its sessions',
      description: 'Whatever is changed, all sessions that the user has end with it.',
      params,
      body: 'UserChange',
      replies: { 200: ['The user', 'User'] },
      refuses: ['user_unknown', 'last_admin', 'overloaded'],
    }),
    handler: async request => {
      const name = nameOf(request)
      const { role, disabled, password, end_sessions: endsSessions } = bodyOf<UserChange>(request)
      request.audited = { action: actionOf(bodyOf<UserChange>(request)) }
      const fault = password === undefined ? null : passwordFault(password, name)
      if (fault !== null) throw refusal('/password', fault)
      const user = await access.accounts.changeUser(name, {
        ...(role === undefined ? {} : { role }),
        ...(disabled === undefined ? {} : { isDisabled: disabled }),
        ...(password === undefined ? {} : { passwordHash: await access.passwords.hash(password) }),
        ...(endsSessions === undefined ? {} : { endsSessions }),
      })
      access.directory.invalidate()
      if (user === 'last_admin') {
        throw new Problem(
          'last_admin',
          `User '${name}' is the last enabled admin and stays one; make another admin first.`,
        )
      }
      return userOf(known(user, request))
    },
  })
}

/** The audit log tells what was changed, as far as it is one thing. */
function actionOf(change: UserChange): string {
  const changes = Object.keys(change)
  if (changes.length !== 1) return 'user.change'
  if (change.role !== undefined) return `user.role.${change.role}`
  if (change.disabled !== undefined) return change.disabled ? 'user.disable' : 'user.enable'
  return change.password === undefined ? 'user.end_sessions' : 'user.password'
}

export function userOf(user: UserRecord): User {
  return {
    name: user.name,
    role: user.role,
    disabled: user.isDisabled,
    created_at: formatInstant(user.createdAtMs),
    changed_at: formatInstant(user.changedAtMs),
  }
}

/** What cannot be a name names no user; no store is asked for it. */
function nameOf(request: FastifyRequest): string {
  const { name } = request.params as { name: string } // The route's path has this parameter.
  if (!isUserName(name)) throw new Problem('user_unknown')
  return name
}

function known(user: UserRecord | null, request: FastifyRequest): UserRecord {
  if (user === null) throw new Problem('user_unknown', `No user is named '${nameOf(request)}'.`)
  return user
}
