import type { AlertChannelChange, AlertChannelDraft } from '@tasklane/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Problem } from '../../core/problem.ts'
import type { HttpContext } from '../context.ts'
import { bodyOf } from '../json-body.ts'
import { describeCall } from '../openapi.ts'
import { isName } from '../worker-input.ts'

const params = { id: 'The id of the channel.' }

/** Who is told. An address may be a secret of its own, so that admins alone see channels. */
export function addAlertChannelRoutes(app: FastifyInstance, context: HttpContext): void {
  const { engineOf } = context
  app.route({
    method: 'GET',
    url: '/api/alerts/channels',
    schema: describeCall({
      operationId: 'alertChannels',
      access: 'alerts.manage',
      tag: 'alerts',
      summary: 'All channels, without their secrets',
      replies: { 200: ['The channels, oldest first', 'AlertChannelList'] },
    }),
    handler: async request => ({ channels: await engineOf(request).alerts.channels() }),
  })
  app.route({
    method: 'POST',
    url: '/api/alerts/channels',
    schema: describeCall({
      operationId: 'createAlertChannel',
      access: 'alerts.manage',
      audit: 'channel.create',
      tag: 'alerts',
      summary: 'Create a channel: an address that is told of alerts by POST',
      description:
        'Of alerts that fire and are not silenced, again as long as they fire where `remind_every_s` says so, and when those are resolved. Messages are tried again for a day, and may come twice; `tasklane-id` is the same then. With a secret they are signed: `tasklane-signature` is `v1=` and the HMAC-SHA256, in hex, of `tasklane-timestamp`, a dot, and the body.',
      body: 'AlertChannelDraft',
      replies: { 201: ['The channel', 'AlertChannel'] },
      refuses: ['alert_limit'],
    }),
    handler: async (request, reply) => {
      const channel = await engineOf(request).alerts.createChannel(bodyOf<AlertChannelDraft>(request))
      request.audited = { subject: channel.channel_id }
      return reply.code(201).send(channel)
    },
  })
  app.route({
    method: 'PATCH',
    url: '/api/alerts/channels/:id',
    schema: describeCall({
      operationId: 'changeAlertChannel',
      access: 'alerts.manage',
      audit: 'channel.change',
      tag: 'alerts',
      summary: 'Change a channel, disable or enable it',
      params,
      body: 'AlertChannelChange',
      replies: { 200: ['The channel', 'AlertChannel'] },
      refuses: ['alert_channel_unknown', 'overloaded'],
    }),
    handler: request => engineOf(request).alerts.changeChannel(idOf(request), bodyOf<AlertChannelChange>(request)),
  })
  addRemoveAndTest(app, context)
}

function addRemoveAndTest(app: FastifyInstance, { engineOf }: HttpContext): void {
  app.route({
    method: 'DELETE',
    url: '/api/alerts/channels/:id',
    schema: describeCall({
      operationId: 'removeAlertChannel',
      access: 'alerts.manage',
      audit: 'channel.remove',
      tag: 'alerts',
      summary: 'Remove a channel, with what it was still to be told',
      params,
      replies: { 204: ['Removed', null] },
      refuses: ['alert_channel_unknown'],
    }),
    handler: async (request, reply) => {
      await engineOf(request).alerts.removeChannel(idOf(request))
      return reply.code(204).send()
    },
  })
  app.route({
    method: 'POST',
    url: '/api/alerts/channels/:id/test',
    config: { isLongPoll: true },
    schema: describeCall({
      operationId: 'testAlertChannel',
      access: 'alerts.manage',
      audit: 'channel.test',
      tag: 'alerts',
      summary: 'Send a message that is marked as a test, and tell what came back',
      params,
      replies: { 200: ['What came back, also where it was not delivered', 'AlertChannelTest'] },
      refuses: ['alert_channel_unknown'],
    }),
    handler: request => engineOf(request).alerts.testChannel(idOf(request)),
  })
}

function idOf(request: FastifyRequest): string {
  const { id } = request.params as { id: string } // The route's path has this parameter.
  if (!isName(id)) throw new Problem('alert_channel_unknown')
  return id
}
