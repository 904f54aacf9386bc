import type { AlertSeverity } from '@tasklane/protocol'
import { readSettings } from './alert-text.ts'

/** An address that is told of alerts, as it is kept. */
export interface AlertChannelSettings {
  readonly name: string
  readonly url: string
  /** What messages are signed with, in the clear, since it has to be used; null signs none. */
  readonly secret: string | null
  readonly severities: readonly AlertSeverity[]
  readonly isEnabled: boolean
  /** It is told again of what goes on firing, after so long each time; null never. */
  readonly remindEveryMs: number | null
}

/** What `writeSettings` wrote of a channel, maybe of a version that reminded nobody. */
export function readChannel(text: string): AlertChannelSettings {
  type Kept = Omit<AlertChannelSettings, 'remindEveryMs'> & Partial<AlertChannelSettings>
  return { remindEveryMs: null, ...readSettings<Kept>(text) }
}
