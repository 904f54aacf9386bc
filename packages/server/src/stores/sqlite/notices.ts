import { readChannel } from '../../core/alert-channel.ts'
import { assert } from '../../core/assert.ts'
import type { AlertStore, NoticeOutcome, NoticeRecord, NoticesAsk } from '../../ports/alerts.ts'
import type { SqlRow } from './database.ts'
import { json, number, text } from './rows.ts'
import type { Session } from './session.ts'

/** What channels are still to be told. `run` turns the world's faults into problems. */
export function createNotices(
  session: Session,
  run: <Value>(work: () => Value) => Promise<Value>,
): Pick<AlertStore, 'takeNotices' | 'settleNotice'> {
  return {
    takeNotices: ask => run(() => session.transact(tx => takeNotices(session, ask, tx.nowMs))),
    settleNotice: (notice, outcome) =>
      run(() => session.transact(tx => settleNotice(session, notice, outcome, tx.nowMs))),
  }
}

function takeNotices(session: Session, ask: NoticesAsk, nowMs: number): readonly NoticeRecord[] {
  const { dueNotices, takeNotice } = session.alerts
  const due = dueNotices.all(nowMs, ask.triesInOrder, ask.limit)
  for (const row of due) takeNotice.run(number(row[0]), nowMs + ask.leaseMs)
  return due.map(row => toNotice(row, nowMs))
}

function toNotice(row: SqlRow, nowMs: number): NoticeRecord {
  const alerts = json(row[6])
  assert(alerts !== null, 'a notice has a text')
  return {
    number: number(row[0]),
    id: text(row[1]),
    channelId: text(row[2]),
    channel: readChannel(text(row[3])),
    attempts: number(row[4]) + 1,
    ageMs: nowMs - number(row[5]),
    alerts,
  }
}

function settleNotice(
  session: Session,
  notice: Pick<NoticeRecord, 'number' | 'attempts'>,
  outcome: NoticeOutcome,
  nowMs: number,
): boolean {
  const { noticeChannel, noteSent, noteFailed, deleteNotice, delayNotice } = session.alerts
  const row = noticeChannel.get(notice.number, notice.attempts)
  if (row === undefined) return false
  const channel = text(row[0])
  if (outcome.kind === 'sent') noteSent.run(channel, nowMs)
  else if (outcome.kind === 'failed') noteFailed.run(channel, nowMs, outcome.detail)
  if (outcome.kind === 'failed' && outcome.retryInMs !== null) {
    delayNotice.run(notice.number, nowMs + outcome.retryInMs)
  } else deleteNotice.run(notice.number)
  return true
}
