import type { FastifyInstance, RouteOptions } from 'fastify'

/** Which methods each known path takes, gathered while routes are added, so that 405 and `Allow` are never out of date. */
export interface AllowedMethods {
  /** Sorted, OPTIONS included; null where the path is unknown. */
  of(path: string): readonly string[] | null
}

export function gatherAllowedMethods(app: FastifyInstance): AllowedMethods {
  const routes = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>()
  app.addHook('onRoute', (route: RouteOptions) => {
    const path = route.url === '/' ? '/' : route.url.replace(/\/$/, '')
    const known = routes.get(path) ?? { pattern: patternOf(path), methods: new Set<string>() }
    for (const method of [route.method].flat()) known.methods.add(method)
    routes.set(path, known)
  })
  return {
    of(path) {
      const bare = path === '/' ? path : path.replace(/\/$/, '')
      const methods = new Set<string>()
      for (const route of routes.values()) {
        if (!route.pattern.test(bare)) continue
        for (const method of route.methods) methods.add(method)
      }
      if (methods.size === 0) return null
      return [...methods.add('OPTIONS')].sort()
    },
  }
}

function patternOf(url: string): RegExp {
  const parts = url.split('/').map(part => {
    if (part.startsWith(':')) return '[^/]+'
    return part.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')
  })
  return new RegExp(`^${parts.join('/')}$`)
}
