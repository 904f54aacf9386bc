import type { FirstAdminDraft, Site, User } from '@tasklane/protocol'
import type { FastifyInstance } from 'fastify'
import { isEnabledAdmin } from '../../core/account.ts'
import { Problem } from '../../core/problem.ts'
import type { UserRecord } from '../../ports/accounts.ts'
import type { AccessControl } from '../auth/access-control.ts'
import { setCookie } from '../auth/cookie.ts'
import { firstAdminName, isAsMade } from '../auth/first-admin.ts'
import type { Asker } from '../auth/logins.ts'
import { passwordFault } from '../auth/passwords.ts'
import type { HttpContext } from '../context.ts'
import { bodyOf } from '../json-body.ts'
import { describeCall } from '../openapi.ts'
import { refusal } from '../task-input.ts'
import { askerOf } from './login.ts'
import { userOf } from './users.ts'

/** From the first start to a first admin of one's own. */
export function addFirstAdminRoutes(app: FastifyInstance, context: HttpContext): void {
  const { access, whereabouts } = context
  app.route({
    method: 'GET',
    url: '/api/site',
    schema: describeCall({
      operationId: 'site',
      access: 'public',
      tag: 'accounts',
      summary: 'Where a login leads, and how one comes in',
      description: 'For pages, before anybody has logged in.',
      replies: { 200: ['The site', 'Site'] },
    }),
    handler: async () => {
      const { environment } = whereabouts
      const site: Site = { auth: access.mode, environment, first_start: await firstStartOf(access) }
      return site
    },
  })
  addFirstAdmin(app, context)
}

/** Told to anybody, and so from what is at hand: without the store nobody can log in anyway. */
async function firstStartOf({ directory, firstPassword }: AccessControl): Promise<Site['first_start']> {
  try {
    const { users } = directory.fresh() ?? (await directory.refreshed())
    const [only, ...others] = users.values()
    if (only === undefined) return 'none'
    return others.length === 0 && isAsMade(only) ? firstPassword : null
  } catch {
    return null
  }
}

function addFirstAdmin(app: FastifyInstance, { access }: HttpContext): void {
  app.route({
    method: 'POST',
    url: '/api/first-admin',
    schema: describeCall({
      operationId: 'setFirstAdmin',
      access: 'accounts',
      audit: 'user.first_admin',
      tag: 'accounts',
      summary: 'Put a user of one’s own in the place of the first admin',
      description:
        `Makes this user an admin and disables \`${firstAdminName}\`, or, under that name, sets its password. It takes an admin, and the first admin as it was made: once anything of it was changed, users are made by POST /api/users. The same call again changes nothing. ` +
        `All sessions of \`${firstAdminName}\` end; a call by cookie gets one of the new user.`,
      body: 'FirstAdminDraft',
      replies: { 201: ['The first admin from now on', 'User'] },
      refuses: ['user_exists', 'overloaded'],
    }),
    handler: async (request, reply) => {
      const { name, password } = bodyOf<FirstAdminDraft>(request)
      request.audited = { subject: name }
      const fault = passwordFault(password, name)
      if (fault !== null) throw refusal('/password', fault)
      const user = await replaceFirst(access, { name, password }, askerOf(request))
      access.directory.invalidate()
      const { credential } = request
      if (credential?.kind === 'session' && credential.isCookie) {
        setCookie(request, reply, (await access.logins.begin(user)).token, access.sessionMs)
      }
      const body: User = userOf(user)
      return reply.code(201).send(body)
    },
  })
}

/** The new one is there before the old one goes: whatever breaks in between, somebody can log in. */
async function replaceFirst(access: AccessControl, draft: FirstAdminDraft, asker: Asker): Promise<UserRecord> {
  const { accounts, passwords } = access
  const { name } = draft
  const first = await accounts.user(firstAdminName)
  if (first === null || !isAsMade(first)) {
    const made = first === null ? await makeFirst(access, draft) : null
    const user = made ?? (await madeBefore(access, draft, asker))
    if (user !== null) return user
    throw new Problem('forbidden', 'The first admin is set up; an admin makes further users.')
  }
  const passwordHash = await passwords.hash(draft.password)
  if (name === firstAdminName) return changed(await accounts.changeUser(name, { passwordHash }))
  const user =
    (await accounts.createUser({ name, passwordHash, role: 'admin' })) ?? (await madeBefore(access, draft, asker))
  if (user === null) throw new Problem('user_exists', `A user named '${name}' exists.`)
  changed(await accounts.changeUser(firstAdminName, { isDisabled: true }))
  return user
}

/** Where nobody had to log in so far, nobody was made. Null where there is somebody. */
async function makeFirst(
  { accounts, passwords }: AccessControl,
  { name, password }: FirstAdminDraft,
): Promise<UserRecord | null> {
  if ((await accounts.users()).length > 0) return null
  const user = { name, passwordHash: await passwords.hash(password), role: 'admin' as const }
  return accounts.createUser(user, { onlyAsFirst: true })
}

/** Whoever repeats a call that broke off, or whose answer was lost, finds an admin of this name and this password. */
async function madeBefore(
  { accounts, logins }: AccessControl,
  { name, password }: FirstAdminDraft,
  asker: Asker,
): Promise<UserRecord | null> {
  const there = await accounts.user(name)
  if (there === null || !isEnabledAdmin(there)) return null
  try {
    // Counted as a guess: this is no way to try passwords, either.
    return await logins.confirm(name, password, asker)
  } catch (error) {
    if (error instanceof Problem && error.code === 'login_refused') return null
    throw error
  }
}

function changed(user: UserRecord | 'last_admin' | null): UserRecord {
  if (user === null || user === 'last_admin') throw new Error('Assertion failed: there is a user, and another admin')
  return user
}
