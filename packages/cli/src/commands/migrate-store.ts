import type { ExitCode } from '../exit-codes.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatCount, formatDuration } from '../output/quantities.ts'
import { moveStoreHere, type StoreMove } from '../scheduler-process.ts'
import { createCommand, jsonOption, type Session } from './command.ts'

export function createMigrateStoreCommand(session: Session) {
  return createCommand(session, {
    usage: 'migrate-store',
    summary: 'move everything from a SQLite file to PostgreSQL',
    options: [
      { flags: '--from <file>', help: 'the SQLite file; no scheduler may run on it, and it is not changed' },
      { flags: '--to <url>', help: 'postgresql://USER:PASSWORD@HOST/DATABASE, empty; where absent, DATABASE_URL' },
      jsonOption,
    ],
    notes: [
      'Tasks, history, logs, edges, queues and workers go, with their numbers, leases and epochs: a worker that was running',
      'a task may still settle it. How far it has come is kept in the target: interrupted and started again, it goes on. At',
      'the end both sides are read and compared; until then no scheduler starts on the target.',
    ].join('\n'),
    examples: [
      ['tasklane migrate-store --from tasklane.db --to postgresql://me:secret@db.example/tasks', 'with a progress bar'],
    ],
    run: async ({ host, output, read }): Promise<ExitCode> => {
      const { from, to } = await read(input => {
        const from = input.flag('--from', readText)
        const to = input.flagOrVariable('--to', 'DATABASE_URL', readPostgres)
        if (from === null) input.fault('--from is missing; it takes the SQLite file to move.')
        if (to === null && host.env.DATABASE_URL === undefined) {
          input.fault('--to is missing; it takes postgresql://USER:PASSWORD@HOST/DATABASE.')
        }
        return { from: from ?? '', to: to ?? '' }
      })
      const bar = output.progress()
      const beganMs = host.nowMs()
      let report: StoreMove
      try {
        report = await moveStoreHere({
          file: from,
          url: to,
          onProgress: ({ step, table, done, total }) => {
            const label = `${step === 'copy' ? 'copying' : 'comparing'} ${table}, ${formatCount(done)} of ${formatCount(total)} rows`
            bar.update({ done, total, label })
          },
        })
      } finally {
        bar.clear()
      }
      const seconds = (host.nowMs() - beganMs) / 1_000
      output.document({ ...report, seconds }, () => {
        const tables = output.table(report.tables, [
          { title: 'table', text: table => table.name },
          { title: 'rows', text: table => formatCount(table.rows), align: 'right' },
          { title: 'sha256, the same on both sides', text: table => table.sha256.slice(0, 16) },
        ])
        const again = report.before === 0 ? '' : `, ${formatCount(report.before)} of them by an earlier run`
        return `${tables}\n\n${formatCount(report.rows)} rows moved and compared in ${formatDuration(seconds * 1_000)}${again}.`
      })
      output.note('Start the scheduler on it with DATABASE_URL; the file is no longer used, and is as it was.')
      return exitCodes.ok
    },
  })
}

function readText(subject: string, text: string) {
  return text.trim() === '' ? { fault: `${subject} is empty; it takes a file name.` } : { value: text }
}

function readPostgres(subject: string, text: string) {
  const scheme = /^postgres(?:ql)?(?:\+\w+)?:\/\//.exec(text)
  const url = scheme === null ? '' : `postgresql://${text.slice(scheme[0].length)}`
  if (URL.canParse(url) && new URL(url).pathname.length > 1) return { value: url }
  return {
    fault: `${subject} is no address of a PostgreSQL database; it takes postgresql://USER:PASSWORD@HOST/DATABASE.`,
  }
}
