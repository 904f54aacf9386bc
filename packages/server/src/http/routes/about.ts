import type { About } from '@tasklane/protocol'
import type { FastifyInstance } from 'fastify'
import type { HttpContext } from '../context.ts'
import { formatInstant } from '../instant.ts'
import { describeCall } from '../openapi.ts'

/** What runs here, for who runs it. */
export function addAboutRoutes(app: FastifyInstance, context: HttpContext): void {
  const { access, clock, version, whereabouts, uptimeSeconds } = context
  app.route({
    method: 'GET',
    url: '/api/about',
    schema: describeCall({
      operationId: 'about',
      access: 'accounts',
      tag: 'accounts',
      summary: 'What this node is: version, store, nodes beside it',
      replies: { 200: ['The node', 'About'] },
    }),
    handler: async () => {
      const seconds = uptimeSeconds()
      const about: About = {
        version,
        runtime: `Node.js ${process.versions.node}`,
        store: whereabouts.store,
        nodes: await whereabouts.countNodes(),
        started_at: formatInstant(Math.round(clock.now() - seconds * 1_000)),
        uptime_seconds: seconds,
        auth: access.mode,
        environment: whereabouts.environment,
      }
      return about
    },
  })
}
