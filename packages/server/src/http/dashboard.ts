import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { addPublicly } from './auth/guard.ts'
import { addPageHeaders } from './edge/page-headers.ts'

/** Where the build puts the pages: in this package, beside `dist` and `src`. */
const built = resolve(import.meta.dirname, '../../dashboard')

/**
 * The dashboard: files that need no login, since they hold nothing; what they show they ask of the API. They live under
 * `/ui/`, because `/tasks` and `/workers` belong to the dialects, and name each other by relative paths, so that a proxy
 * may put all of it under a path of its own.
 *
 * @param folder of the built pages
 */
export async function addDashboard(
  app: FastifyInstance,
  { hasTls, folder = built }: { readonly hasTls: boolean; readonly folder?: string },
): Promise<void> {
  await addPublicly(app, async scope => {
    await addPageHeaders(scope, { hasTls })
    scope.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect('ui/'))
    if (!existsSync(join(folder, 'index.html'))) {
      const sendNotice = (_request: unknown, reply: { type(name: string): { send(text: string): unknown } }) =>
        reply.type('text/html; charset=utf-8').send(notBuilt)
      scope.get('/ui', { schema: { hide: true } }, sendNotice)
      return
    }
    await scope.register(fastifyStatic, {
      root: folder,
      prefix: '/ui/',
      index: false,
      redirect: false,
      // One route a file, so that whatever else is asked for meets our own 404.
      wildcard: false,
      etag: true,
      cacheControl: false,
      setHeaders: (reply, path) => {
        // The names of assets change with their contents.
        const isNamedByContent = path.includes('/assets/')
        reply.header('cache-control', isNamedByContent ? 'public, max-age=31536000, immutable' : 'no-cache')
      },
      schemaHide: true,
    })
    // `/ui` and `/ui/` are one route, but only below the second one relative names lead to the files.
    scope.get('/ui', { schema: { hide: true } }, (request, reply) =>
      /^[^?]*\/ui\/(?:\?|$)/.test(request.url) ? reply.sendFile('index.html') : reply.redirect('ui/'),
    )
  })
}

const notBuilt = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Tasklane</title>
<body><h1>Tasklane is running</h1>
<p>The dashboard has not been built here. From the repository: <code>npm run build</code>, then start again.</p>
<p>The API is described at <a href="../docs">/docs</a>.</p></body></html>
`
