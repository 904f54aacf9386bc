import {
  type AlertKind,
  type AlertRule,
  type AlertRuleChange,
  type AlertRuleDraft,
  type AlertSeverity,
  alertKindFacts,
} from '@tasklane/protocol'
import { span } from '../../parts/format.ts'

/** A rule as a form holds it: numbers are what was typed, and what is empty is not said. */
export interface RuleFields {
  readonly name: string
  readonly kind: AlertKind
  readonly threshold: string
  readonly window: string
  readonly least: string
  readonly for: string
  readonly severity: AlertSeverity
  readonly queue: string
  readonly task_type: string
}

/** What a kind begins with. The name, the times and the place that were said stay. */
export function fieldsOfKind(kind: AlertKind, before?: RuleFields): RuleFields {
  const { threshold, windows, least } = alertKindFacts[kind]
  return {
    name: before?.name ?? '',
    kind,
    threshold: String(threshold?.otherwise ?? ''),
    window: String(windows?.[0] ?? ''),
    least: String(least ?? ''),
    for: before?.for ?? '60',
    severity: before?.severity ?? 'warning',
    queue: before?.queue ?? '',
    task_type: before?.task_type ?? '',
  }
}

export function fieldsOf(rule: AlertRule): RuleFields {
  return {
    name: rule.name,
    kind: rule.kind,
    threshold: String(rule.threshold ?? ''),
    window: String(rule.window ?? ''),
    least: String(rule.least ?? ''),
    for: String(rule.for),
    severity: rule.severity,
    queue: rule.queue ?? '',
    task_type: rule.task_type ?? '',
  }
}

/** What is sent; what the kind cannot say is left out. A number that is none is sent as it is, and refused at its field. */
export function draftOf(fields: RuleFields): AlertRuleDraft {
  const { threshold, windows, least, queue, takesType } = alertKindFacts[fields.kind]
  return {
    name: fields.name.trim(),
    kind: fields.kind,
    severity: fields.severity,
    for: Number(fields.for),
    ...(threshold === null ? {} : { threshold: numberIn(fields.threshold) }),
    ...(windows === null ? {} : { window: Number(fields.window) }),
    ...(least === null ? {} : { least: numberIn(fields.least) }),
    ...(queue === null ? {} : { queue: nameIn(fields.queue) }),
    ...(takesType ? { task_type: nameIn(fields.task_type) } : {}),
  }
}

/** The same of a rule that is there: its kind never changes. */
export function changeOf(fields: RuleFields): AlertRuleChange {
  const { kind: _, ...change } = draftOf(fields)
  return change
}

function nameIn(text: string): string | null {
  return text.trim() === '' ? null : text.trim()
}

/** `Number('')` is 0, which nobody has typed; what is no number travels as null, and is refused in words. */
function numberIn(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text)
}

const usual = [0, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 21_600, 86_400]

/** For how long a condition can have to hold; what a rule says already is among them. */
export function lastingChoices(now: string): readonly (readonly [value: string, text: string])[] {
  const seconds = [...new Set([...usual, Number(now)])].sort((one, other) => one - other)
  return seconds.map(each => [String(each), each === 0 ? 'at once' : span(each * 1_000)] as const)
}
