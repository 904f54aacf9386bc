import { type AlertKind, type AlertSeverity, alertKindFacts, type ThresholdFacts } from '@tasklane/protocol'

/** What somebody wants to know of. */
export interface AlertRule extends AlertRuleSettings {
  readonly id: string
}

export interface AlertRuleSettings {
  readonly name: string
  readonly kind: AlertKind
  /** In the unit of its kind; null where the kind has none. */
  readonly threshold: number | null
  readonly windowSeconds: number | null
  readonly least: number | null
  readonly forMs: number
  readonly severity: AlertSeverity
  readonly queue: string | null
  readonly type: string | null
  readonly isEnabled: boolean
}

/** Something that was measured. Whether it is a trouble, a rule says. */
export interface Trouble {
  readonly kind: AlertKind
  readonly queue: string | null
  readonly type: string | null
  readonly workerId: string | null
  readonly fingerprint: string | null
  readonly detail: string
  readonly value: number
  /** Of a share: of how many. */
  readonly of: number | null
  /** Over so many seconds; null where it is of now. */
  readonly windowSeconds: number | null
}

export function isTrouble(rule: AlertRule, trouble: Trouble): boolean {
  const facts = alertKindFacts[rule.kind]
  if (trouble.kind !== rule.kind || trouble.windowSeconds !== rule.windowSeconds) return false
  const isOfQueue =
    facts.queue === 'each' ? rule.queue === null || rule.queue === trouble.queue : rule.queue === trouble.queue
  if (facts.queue !== null && !isOfQueue) return false
  if (facts.takesType && rule.type !== null && rule.type !== trouble.type) return false
  if (rule.least !== null && (trouble.of ?? 0) < rule.least) return false
  return facts.threshold === null || rule.threshold === null || isPast(facts.threshold, trouble.value, rule.threshold)
}

function isPast({ holds }: ThresholdFacts, value: number, threshold: number): boolean {
  switch (holds) {
    case 'at_least':
      return value >= threshold
    case 'above':
      return value > threshold
    case 'below':
      return value < threshold
  }
}

export interface RuleFault {
  /** The name of the field on the wire. */
  readonly field: 'name' | 'threshold' | 'window' | 'least' | 'queue' | 'task_type'
  readonly detail: string
}

/** What was asked for; `undefined` was not said. */
export interface AskedRule {
  readonly name: string
  readonly kind: AlertKind
  readonly threshold?: number | undefined
  readonly windowSeconds?: number | undefined
  readonly least?: number | undefined
  readonly forMs?: number | undefined
  readonly severity?: AlertSeverity | undefined
  readonly queue?: string | null | undefined
  readonly type?: string | null | undefined
  readonly isEnabled?: boolean | undefined
}

/** Long enough that a worker which is being replaced wakes nobody. */
const forMsDefault = 60_000

/** The rule with what its kind takes where nothing was said. */
export function completeRule(asked: AskedRule): AlertRuleSettings {
  const facts = alertKindFacts[asked.kind]
  return {
    name: asked.name,
    kind: asked.kind,
    threshold: asked.threshold ?? facts.threshold?.otherwise ?? null,
    windowSeconds: asked.windowSeconds ?? facts.windows?.[0] ?? null,
    least: asked.least ?? facts.least,
    forMs: asked.forMs ?? forMsDefault,
    severity: asked.severity ?? 'warning',
    queue: asked.queue ?? null,
    type: asked.type ?? null,
    isEnabled: asked.isEnabled ?? true,
  }
}

/** What a rule of this kind cannot say. */
export function findRuleFaults(rule: AlertRuleSettings): readonly RuleFault[] {
  const { threshold, windows, least, queue, takesType } = alertKindFacts[rule.kind]
  const faults: RuleFault[] = []
  const cannot = (field: RuleFault['field'], what: string): void => {
    faults.push({ field, detail: `A rule of the kind ${rule.kind} ${what}.` })
  }
  if (rule.name.trim() === '') faults.push({ field: 'name', detail: 'The name is empty; give the rule one.' })
  if (rule.threshold !== null) {
    if (threshold === null) cannot('threshold', 'has no threshold; leave it out')
    else if (rule.threshold < threshold.min || rule.threshold > threshold.max) {
      cannot('threshold', `takes a threshold from ${threshold.min} to ${threshold.max} ${threshold.unit}`)
    }
  }
  if (rule.windowSeconds !== null) {
    if (windows === null) cannot('window', 'looks at what is now; leave the window out')
    else if (!windows.includes(rule.windowSeconds)) {
      const all = [...windows].sort((one, other) => one - other).join(', ')
      cannot('window', `looks back over one of ${all} seconds`)
    }
  }
  if (rule.least !== null && least === null) cannot('least', 'is no share; leave `least` out')
  if (rule.queue !== null && queue === null) cannot('queue', 'is not about a queue; leave it out')
  if (rule.type !== null && !takesType) cannot('task_type', 'is not about a type; leave it out')
  return faults
}
