import type { AlertSeverity, AlertState } from '@tasklane/protocol'
import type { AlertMove, AlertRecord, SilencedSubject } from '../core/alert.ts'
import type { AlertChannelSettings } from '../core/alert-channel.ts'
import type { AlertRuleSettings } from '../core/alert-rule.ts'
import type { JsonText } from '../core/task.ts'

/**
 * What is watched for, what is in trouble, and who is to be told. The contract of the store holds here, too: each call is
 * one transaction, time is the store's own, what a race may bring is a verdict. None of these calls is on the hot path.
 */
export interface AlertStore {
  /** Rises with every change but what only notes a sight, so that a node knows when others have changed something. */
  alertsVersion(): Promise<number>
  /**
   * Whether it is this node's turn to look: to one of the nodes that share a store, once in `everyMs`. It saves work and
   * nothing else: moves are made once, whoever looks.
   */
  takeAlertTurn(everyMs: number): Promise<boolean>

  /** Those that are kept, in the order of their ids: made by somebody, or a default that somebody changed. */
  alertRules(): Promise<readonly AlertRuleRecord[]>
  /**
   * Creates where `after` is null, else replaces that version. `stale`: it is there already, or of another version now, or
   * gone. `full`: there are `most` of them.
   */
  putAlertRule(rule: AlertRuleDraft, after: number | null, most: number): Promise<AlertRuleRecord | 'stale' | 'full'>
  removeAlertRule(id: string): Promise<boolean>

  /** Pending and firing ones, oldest first. */
  openAlerts(): Promise<readonly AlertRecord[]>
  /** Newest first: numbers below `before`. */
  alerts(
    filter: AlertFilter,
    page: { readonly limit: number; readonly before: number | null },
  ): Promise<readonly AlertRecord[]>
  alert(number: number): Promise<AlertRecord | null>
  /**
   * Makes each move whose alert is still at its turn, or that opens one where its rule has none for the subject; and keeps
   * for the channels what they are to be told of it, in any order. Returns the alert after the move, as the last one before it was
   * dropped; null where the move was not made.
   */
  moveAlerts(moves: readonly AlertMove[], newNoticeId: () => string): Promise<readonly (AlertRecord | null)[]>

  /** Those that last, in any order. */
  silences(): Promise<readonly SilencedSubject[]>
  /** Of the subject of this alert, also for alerts that are still to come; null takes it back. Null where it is unknown. */
  silenceAlert(number: number, silence: SilenceDraft | null): Promise<AlertRecord | null>

  /** In the order in which they were made, those of one instant in the order of their ids. */
  alertChannels(): Promise<readonly AlertChannelRecord[]>
  /** As `putAlertRule`. */
  putAlertChannel(
    channel: AlertChannelDraft,
    after: number | null,
    most: number,
  ): Promise<AlertChannelRecord | 'stale' | 'full'>
  /** With what it was still to be told. */
  removeAlertChannel(id: string): Promise<boolean>

  /**
   * Up to `limit` notices that are due, oldest first, for this node to deliver within `leaseMs`; then others may take them.
   * Of one channel a later one waits for an earlier one, unless that has failed `triesInOrder` times. Those of a channel
   * that is disabled wait.
   */
  takeNotices(ask: NoticesAsk): Promise<readonly NoticeRecord[]>
  /** False where it was taken anew since, is gone, or was settled before. */
  settleNotice(notice: Pick<NoticeRecord, 'number' | 'attempts'>, outcome: NoticeOutcome): Promise<boolean>

  /** Deletes up to `limit` of each: resolved alerts beyond their time, then beyond their number, notices beyond their time, silences that are over. Returns how many. */
  pruneAlerts(ask: PruneAlertsAsk): Promise<number>
}

export interface AlertRuleDraft {
  readonly id: string
  readonly settings: AlertRuleSettings
}

export interface AlertRuleRecord extends AlertRuleDraft {
  /** From 1, +1 at each change. */
  readonly version: number
  readonly changedAtMs: number
}

export interface AlertFilter {
  readonly states: readonly AlertState[] | null
  readonly severities: readonly AlertSeverity[] | null
  readonly ruleId: string | null
}

export interface SilenceDraft {
  readonly ends: { readonly atMs: number } | { readonly afterMs: number }
  readonly reason: string
  readonly by: string | null
}

export interface AlertChannelDraft {
  readonly id: string
  readonly settings: AlertChannelSettings
}

export type { AlertChannelSettings } from '../core/alert-channel.ts'

export interface AlertChannelRecord extends AlertChannelDraft {
  readonly version: number
  readonly createdAtMs: number
  readonly changedAtMs: number
  readonly lastSentAtMs: number | null
  readonly lastFailedAtMs: number | null
  readonly lastFailure: string | null
  /** Notices that are kept for it. */
  readonly undelivered: number
}

export interface NoticesAsk {
  readonly limit: number
  readonly leaseMs: number
  readonly triesInOrder: number
}

export interface NoticeRecord {
  readonly number: number
  /** The same for every try. */
  readonly id: string
  readonly channelId: string
  readonly channel: AlertChannelSettings
  /** This one included. */
  readonly attempts: number
  readonly ageMs: number
  /** See core/alert-notice.ts. */
  readonly alerts: JsonText
}

export type NoticeOutcome =
  | { readonly kind: 'sent' }
  /** There was nothing left to tell. */
  | { readonly kind: 'dropped' }
  /** Null gives it up. */
  | { readonly kind: 'failed'; readonly detail: string; readonly retryInMs: number | null }

export interface PruneAlertsAsk {
  readonly keepMs: number
  /** Resolved ones that are kept at most. */
  readonly most: number
  readonly noticeKeepMs: number
  readonly limit: number
}
