import type { AlertSeverity } from '@tasklane/protocol'
import { type LucideIcon, OctagonAlert, TriangleAlert } from 'lucide-react'

const looks: Readonly<Record<AlertSeverity, readonly [text: string, icon: LucideIcon, tone: string]>> = {
  critical: ['Critical', OctagonAlert, 'failed'],
  warning: ['Warning', TriangleAlert, 'pending'],
}

export function severityText(severity: AlertSeverity): string {
  return looks[severity][0]
}

/** Colour, icon and text, always all three. */
export function Severity({ severity }: { readonly severity: AlertSeverity }) {
  const [text, Icon, tone] = looks[severity]
  return (
    <span className={`state tone-${tone}`} data-severity={severity}>
      <Icon size={14} aria-hidden="true" className="state-icon" />
      {text}
    </span>
  )
}
