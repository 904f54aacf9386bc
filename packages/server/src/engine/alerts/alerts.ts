import type {
  Alert,
  AlertChannel,
  AlertChannelChange,
  AlertChannelDraft,
  AlertChannelTest,
  AlertPage,
  AlertRule,
  AlertRuleChange,
  AlertRuleDraft,
  AlertSeverity,
  AlertState,
} from '@tasklane/protocol'
import type { AlertRecord } from '../../core/alert.ts'
import type { AlertFilter, SilenceDraft } from '../../ports/alerts.ts'

/** What is watched for, what is in trouble, and who is told of it. Refusals are thrown as `Problem`. */
export interface Alerts {
  /** Newest first. Throws `cursor_invalid`. */
  list(filter: AlertFilter, page: { readonly limit: number; readonly cursor: string | null }): Promise<AlertPage>
  /** Throws `alert_unknown`. */
  one(id: number): Promise<Alert>
  /** Null takes it back. Throws `alert_unknown`, and `alert_resolved` where there is nothing to silence any more. */
  silence(id: number, silence: SilenceDraft | null): Promise<Alert>

  /** The defaults first. */
  rules(): Promise<readonly AlertRule[]>
  /** Throws `validation_failed`, `alert_limit`. */
  createRule(draft: AlertRuleDraft): Promise<AlertRule>
  /** Throws `validation_failed`, `alert_rule_unknown`. */
  changeRule(id: string, change: AlertRuleChange): Promise<AlertRule>
  /** Throws `alert_rule_unknown`, `alert_rule_default`. */
  removeRule(id: string): Promise<void>

  channels(): Promise<readonly AlertChannel[]>
  /** Throws `validation_failed`, `alert_limit`. */
  createChannel(draft: AlertChannelDraft): Promise<AlertChannel>
  /** Throws `validation_failed`, `alert_channel_unknown`. */
  changeChannel(id: string, change: AlertChannelChange): Promise<AlertChannel>
  /** Throws `alert_channel_unknown`. */
  removeChannel(id: string): Promise<void>
  /** Sends a marked message and tells what came back. Throws `alert_channel_unknown`. */
  testChannel(id: string): Promise<AlertChannelTest>

  /** Pending and firing ones. */
  open(): Promise<readonly AlertRecord[]>
  /** How many are open, by state and severity. */
  counts(): Promise<AlertCounts>

  /** Looks at everything that the rules watch, and makes the moves that follow. Returns how many this node made. */
  look(): Promise<number>
  /** The same where no other node has looked within this time. */
  lookInTurn(everyMs: number): Promise<number>
  /** Delivers what channels are to be told. */
  deliver(): Promise<void>
  /** Tells whoever watches that other nodes changed something, if they did. */
  noticeOthers(): Promise<void>
  prune(): Promise<void>
}

export type AlertCounts = Readonly<Record<Exclude<AlertState, 'resolved'>, Readonly<Record<AlertSeverity, number>>>>
