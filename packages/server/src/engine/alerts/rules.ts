import { type AlertRule, type AlertRuleChange, limits } from '@tasklane/protocol'
import { defaultRules, isDefaultRule } from '../../core/alert-defaults.ts'
import { type AlertRuleSettings, completeRule, findRuleFaults } from '../../core/alert-rule.ts'
import { Problem } from '../../core/problem.ts'
import type { AlertRuleRecord } from '../../ports/alerts.ts'
import type { Store } from '../../ports/store.ts'
import type { Alerts } from './alerts.ts'
import { changeKept } from './change-kept.ts'
import { toRule } from './wire.ts'

/** Those that somebody made or changed, and the defaults that nobody did. */
const keptMax = limits.alertRulesMax + defaultRules.length

export interface EffectiveRule {
  readonly id: string
  readonly settings: AlertRuleSettings
  /** Null where it is a default as it was from the start. */
  readonly version: number | null
  readonly changedAtMs: number | null
}

/** All rules that there are, the defaults first. */
export function rulesIn(kept: readonly AlertRuleRecord[]): readonly EffectiveRule[] {
  const byId = new Map(kept.map(rule => [rule.id, rule]))
  const defaults = defaultRules.map(({ id, ...settings }) => {
    return byId.get(id) ?? { id, settings, version: null, changedAtMs: null }
  })
  return [...defaults, ...kept.filter(rule => !isDefaultRule(rule.id))]
}

export function createRules(parts: {
  readonly store: Store
  readonly newId: () => string
  readonly onChange: () => void
}): Pick<Alerts, 'rules' | 'createRule' | 'changeRule' | 'removeRule'> {
  const { store, newId, onChange } = parts

  async function put(id: string, settings: AlertRuleSettings, after: number | null): Promise<AlertRule | 'stale'> {
    const put = await store.putAlertRule({ id, settings }, after, keptMax)
    if (put === 'stale') return put
    if (put === 'full') {
      throw new Problem('alert_limit', `There are ${limits.alertRulesMax} alert rules already; remove one first.`)
    }
    onChange()
    return toRule(put.id, put.settings, put.changedAtMs)
  }

  return {
    rules: async () =>
      rulesIn(await store.alertRules()).map(({ id, settings, changedAtMs }) => toRule(id, settings, changedAtMs)),
    async createRule({ window, for: forSeconds, task_type: type, enabled, ...rest }) {
      const asked = { ...rest, windowSeconds: window, type, isEnabled: enabled }
      const settings = completeRule({
        ...asked,
        ...(forSeconds === undefined ? {} : { forMs: Math.round(forSeconds * 1_000) }),
      })
      refuseFaults(settings)
      const made = await put(newId(), settings, null)
      if (made === 'stale') throw new Error('Assertion failed: a new rule has an id of its own')
      return made
    },
    changeRule: (id, change) =>
      changeKept(async () => {
        const rule = rulesIn(await store.alertRules()).find(each => each.id === id)
        if (rule === undefined) throw unknownRule(id)
        const settings = changed(rule.settings, change)
        refuseFaults(settings)
        return put(id, settings, rule.version)
      }),
    async removeRule(id) {
      if (isDefaultRule(id)) {
        throw new Problem('alert_rule_default', `Rule '${id}' is there from the start and stays; disable it instead.`)
      }
      if (!(await store.removeAlertRule(id))) throw unknownRule(id)
      onChange()
    },
  }
}

function changed(rule: AlertRuleSettings, change: AlertRuleChange): AlertRuleSettings {
  return {
    kind: rule.kind,
    name: change.name ?? rule.name,
    threshold: change.threshold ?? rule.threshold,
    windowSeconds: change.window ?? rule.windowSeconds,
    least: change.least ?? rule.least,
    forMs: change.for === undefined ? rule.forMs : Math.round(change.for * 1_000),
    severity: change.severity ?? rule.severity,
    queue: change.queue === undefined ? rule.queue : change.queue,
    type: change.task_type === undefined ? rule.type : change.task_type,
    isEnabled: change.enabled ?? rule.isEnabled,
  }
}

function refuseFaults(settings: AlertRuleSettings): void {
  const [first, ...others] = findRuleFaults(settings).map(({ field, detail }) => ({ pointer: `/${field}`, detail }))
  if (first !== undefined) throw new Problem('validation_failed', first.detail, [first, ...others])
}

function unknownRule(id: string): Problem {
  return new Problem('alert_rule_unknown', `No alert rule has the id '${id}'.`)
}
