import type { AlertMove, AlertRecord } from './alert.ts'
import type { JsonText } from './task.ts'

/** What one channel is to be told, in one message. */
export interface NoticeDraft {
  readonly channelId: string
  readonly alerts: JsonText
}

/** An alert as it was when somebody was to be told of it. */
export interface NoticedAlert extends Omit<AlertRecord, 'turn' | 'notedAtMs' | 'told' | 'tellings' | 'silence'> {
  /** Which reminder it is of those that the channel got of this alert; 0 is none. */
  readonly reminder: number
}

/** Alerts of one message: what receivers take, and what anybody reads. */
export const noticeAlertsMax = 100

/** One message a channel for all that was written together. @param written what each move led to; null where it was not made */
export function noticesOf(
  moves: readonly AlertMove[],
  written: readonly (AlertRecord | null)[],
): readonly NoticeDraft[] {
  const byChannel = new Map<string, NoticedAlert[]>()
  for (const [at, move] of moves.entries()) {
    const record = written[at]
    if (record == null || move.kind === 'drop') continue
    const { turn: _turn, notedAtMs: _noted, told: _told, tellings, silence: _silence, ...alert } = record
    const note = (channel: string, reminder: number): void => {
      byChannel.set(channel, [...(byChannel.get(channel) ?? []), { ...alert, reminder }])
    }
    for (const channel of move.tell) note(channel, 0)
    if (move.kind === 'change') for (const channel of move.remind) note(channel, tellings[channel]?.reminders ?? 1)
  }
  return [...byChannel].flatMap(
    ([channelId, alerts]) => piecesOf(alerts).map(piece => ({ channelId, alerts: JSON.stringify(piece) as JsonText })), // A list is always a text.
  )
}

/** What `noticesOf` wrote. */
export function readNotice(alerts: JsonText): readonly NoticedAlert[] {
  const noticed = JSON.parse(alerts) as readonly (Omit<NoticedAlert, 'reminder'> & Partial<NoticedAlert>)[] // Written by `noticesOf`, maybe of a version that reminded nobody.
  return noticed.map(alert => ({ ...alert, reminder: alert.reminder ?? 0 }))
}

function piecesOf(alerts: readonly NoticedAlert[]): readonly (readonly NoticedAlert[])[] {
  const pieces: (readonly NoticedAlert[])[] = []
  for (let at = 0; at < alerts.length; at += noticeAlertsMax) pieces.push(alerts.slice(at, at + noticeAlertsMax))
  return pieces
}

/** After the first failure, doubled each time up to the cap, give or take a fifth. */
const firstRetryMs = 5_000
const retryCapMs = 600_000
/** A message that nobody took for so long tells of yesterday. */
export const noticeKeepMs = 86_400_000
/** A message that failed so often does not hold up those behind it any more. */
export const triesInOrder = 5

/** When to try again, or null where it is given up. @param random 0 to 1 */
export function retryNoticeInMs(attempts: number, ageMs: number, random: number): number | null {
  const waitMs = Math.min(retryCapMs, firstRetryMs * 2 ** Math.min(attempts - 1, 20)) * (0.8 + 0.4 * random)
  return ageMs + waitMs > noticeKeepMs ? null : Math.round(waitMs)
}
