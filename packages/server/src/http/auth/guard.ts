import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import { type Access, isAccess, isAllowed, nobody, openPrincipal, refusalSentence } from '../../core/access.ts'
import { Problem } from '../../core/problem.ts'
import type { AccessOptions } from './access-options.ts'
import type { Authenticator, Caller } from './authenticate.ts'

/**
 * The rule of who may, at the door of every route: who calls, and whether the role allows what the route does. A route
 * that names no rule keeps the node from starting, so that nothing is open because somebody forgot.
 */
export function addGuard(
  app: FastifyInstance,
  { mode, authenticator }: { readonly mode: AccessOptions['mode']; readonly authenticator: Authenticator },
): void {
  const routes: RouteOptions[] = []
  app.addHook('onRoute', route => {
    routes.push(route)
    const { 'x-access': access, 'x-audit': audit } = Object(route.schema)
    if (isAccess(access)) route.config = { ...route.config, access, ...(audit === undefined ? {} : { audit }) }
  })
  app.addHook('onReady', async () => {
    const open = routes.filter(({ config }) => !isAccess(config?.access))
    if (open.length === 0) return
    const names = open.map(({ method, url }) => `${String(method)} ${url}`).join(', ')
    throw new Error(`Assertion failed: no rule says who may call ${names}`)
  })
  app.addHook('onRequest', (request, _reply, done) => {
    try {
      const { access } = request.routeOptions.config
      if (access === undefined) throw new Error('Assertion failed: every route has a rule')
      if (access === 'public') {
        enter(request, null, access)
        done()
        return
      }
      const caller = authenticator.callerOf(request)
      if (!(caller instanceof Promise)) {
        enter(request, caller, access)
        done()
        return
      }
      caller.then(known => enter(request, known, access)).then(() => done(), done)
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)))
    }
  })

  function enter(request: FastifyRequest, caller: Caller | null, access: Access): void {
    if (caller !== null) {
      request.principal = caller.principal
      request.credential = caller.credential
    } else request.principal = mode === 'required' ? nobody : openPrincipal
    if (access === 'public') return
    if (caller === null && mode === 'required') {
      throw new Problem(
        'unauthenticated',
        'This needs a login: send `Authorization: Bearer` with a token of POST /token.',
      )
    }
    const { role } = request.principal
    if (!isAllowed(role, access)) throw new Problem('forbidden', refusalSentence(role, access))
  }
}

/** For plugins that add routes of their own, which need no login: files of pages. */
export async function addPublicly(
  app: FastifyInstance,
  add: (scope: FastifyInstance) => PromiseLike<unknown> | unknown,
): Promise<void> {
  await app.register(async scope => {
    scope.addHook('onRoute', route => {
      route.config = { ...route.config, access: 'public' }
    })
    await add(scope)
  })
}
