import type { AlertRuleChange, AlertRuleDraft } from '@tasklane/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Problem } from '../../core/problem.ts'
import type { HttpContext } from '../context.ts'
import { bodyOf } from '../json-body.ts'
import { describeCall } from '../openapi.ts'
import { isName } from '../worker-input.ts'

const params = { id: 'The id of the rule.' }

/** What is watched for. Some rules are there from the start. */
export function addAlertRuleRoutes(app: FastifyInstance, { engineOf }: HttpContext): void {
  app.route({
    method: 'GET',
    url: '/api/alerts/rules',
    schema: describeCall({
      operationId: 'alertRules',
      access: 'alerts.read',
      tag: 'alerts',
      summary: 'All alert rules, those that are there from the start first',
      replies: { 200: ['The rules', 'AlertRuleList'] },
    }),
    handler: async request => ({ rules: await engineOf(request).alerts.rules() }),
  })
  app.route({
    method: 'POST',
    url: '/api/alerts/rules',
    schema: describeCall({
      operationId: 'createAlertRule',
      access: 'alerts.manage',
      audit: 'rule.create',
      tag: 'alerts',
      summary: 'Create an alert rule',
      description:
        'What a rule can say depends on its kind: a threshold in tasks, seconds, percent or workers, a window, a queue, a type. What is left out is what its kind takes; what it cannot say is refused.',
      body: 'AlertRuleDraft',
      replies: { 201: ['The rule', 'AlertRule'] },
      refuses: ['alert_limit'],
    }),
    handler: async (request, reply) => {
      const rule = await engineOf(request).alerts.createRule(bodyOf<AlertRuleDraft>(request))
      request.audited = { subject: rule.rule_id }
      return reply.code(201).send(rule)
    },
  })
  app.route({
    method: 'PATCH',
    url: '/api/alerts/rules/:id',
    schema: describeCall({
      operationId: 'changeAlertRule',
      access: 'alerts.manage',
      audit: 'rule.change',
      tag: 'alerts',
      summary: 'Change an alert rule, disable or enable it',
      description: 'Its open alerts are judged by what it says now. Its kind never changes.',
      params,
      body: 'AlertRuleChange',
      replies: { 200: ['The rule', 'AlertRule'] },
      refuses: ['alert_rule_unknown', 'overloaded'],
    }),
    handler: request => engineOf(request).alerts.changeRule(idOf(request), bodyOf<AlertRuleChange>(request)),
  })
  app.route({
    method: 'DELETE',
    url: '/api/alerts/rules/:id',
    schema: describeCall({
      operationId: 'removeAlertRule',
      access: 'alerts.manage',
      audit: 'rule.remove',
      tag: 'alerts',
      summary: 'Remove an alert rule',
      description: 'Its firing alerts are resolved. A rule that is there from the start stays; disable it instead.',
      params,
      replies: { 204: ['Removed', null] },
      refuses: ['alert_rule_unknown', 'alert_rule_default'],
    }),
    handler: async (request, reply) => {
      await engineOf(request).alerts.removeRule(idOf(request))
      return reply.code(204).send()
    },
  })
}

function idOf(request: FastifyRequest): string {
  const { id } = request.params as { id: string } // The route's path has this parameter.
  if (!isName(id)) throw new Problem('alert_rule_unknown')
  return id
}
