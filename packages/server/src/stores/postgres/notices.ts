import { readChannel } from '../../core/alert-channel.ts'
import { assert } from '../../core/assert.ts'
import type { AlertStore, NoticeOutcome, NoticeRecord, NoticesAsk } from '../../ports/alerts.ts'
import { alertStatements as sql } from './alert-statements.ts'
import type { SqlRow } from './database.ts'
import { json, number, text } from './rows.ts'
import type { Session, Transaction } from './session.ts'

/** What channels are still to be told. `run` turns the world's faults into problems. */
export function createNotices(
  session: Session,
  run: <Value>(work: () => Promise<Value>) => Promise<Value>,
): Pick<AlertStore, 'takeNotices' | 'settleNotice'> {
  return {
    takeNotices: ask => run(() => session.transact(tx => takeNotices(tx, ask))),
    settleNotice: (notice, outcome) => run(() => session.transact(tx => settleNotice(tx, notice, outcome))),
  }
}

async function takeNotices({ connection, nowMs }: Transaction, ask: NoticesAsk): Promise<readonly NoticeRecord[]> {
  const rows = await connection.rows(sql.takeNotices, nowMs, ask.triesInOrder, ask.limit, ask.leaseMs)
  return rows.map(toNotice).sort((one, other) => one.number - other.number)
}

function toNotice(row: SqlRow): NoticeRecord {
  const alerts = json(row[6])
  assert(alerts !== null, 'a notice has a text')
  return {
    number: number(row[0]),
    id: text(row[1]),
    channelId: text(row[2]),
    channel: readChannel(text(row[3])),
    attempts: number(row[4]),
    ageMs: number(row[5]),
    alerts,
  }
}

async function settleNotice(
  { connection, nowMs }: Transaction,
  notice: Pick<NoticeRecord, 'number' | 'attempts'>,
  outcome: NoticeOutcome,
): Promise<boolean> {
  const [row] = await connection.rows(sql.noticeChannel, notice.number, notice.attempts)
  if (row === undefined) return false
  const channel = text(row[0])
  if (outcome.kind === 'sent') await connection.run(sql.noteSent, channel, nowMs)
  else if (outcome.kind === 'failed') await connection.run(sql.noteFailed, channel, nowMs, outcome.detail)
  if (outcome.kind === 'failed' && outcome.retryInMs !== null) {
    await connection.run(sql.delayNotice, notice.number, nowMs + outcome.retryInMs)
  } else await connection.run(sql.deleteNotice, notice.number)
  return true
}
