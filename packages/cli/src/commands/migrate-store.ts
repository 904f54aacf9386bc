import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { CommandFailure } from '../faults.ts'
import { Interruption } from '../host.ts'
import type { Arguments } from '../input/arguments.ts'
import { type Reading, readPath } from '../input/values.ts'
import type { Output } from '../output/output.ts'
import { formatCount, formatDuration, formatPlural, formatRate } from '../output/quantities.ts'
import { renderFacts } from '../output/table.ts'
import { type MoveReport, type MoveStep, moveStoreHere } from '../scheduler-process.ts'
import { type CommandRun, createCommand, jsonOption, type Session } from './command.ts'
import { exitCodeOfSignal } from './stopping.ts'

export function createMigrateStoreCommand(session: Session) {
  return createCommand(session, {
    usage: 'migrate-store',
    summary: 'move all tasks from a SQLite file to PostgreSQL',
    options: [
      { flags: '--from <file>', help: 'the SQLite file; no scheduler may run on it, and it is not changed' },
      { flags: '--to <address>', help: 'postgresql://…, an empty database (DATABASE_URL)' },
      jsonOption,
    ],
    notes: [
      'Interrupted at any point and started again, it goes on where it stopped. At the end both sides are read and compared.',
      'An address on the command line can be read by others on this machine; DATABASE_URL cannot.',
    ].join('\n'),
    examples: [
      ['DATABASE_URL=postgresql://tasklane@db/tasklane tasklane migrate-store --from tasklane.db', 'all of it'],
    ],
    readsEnvFile: true,
    run: async run => {
      const { host, output } = run
      const places = await run.read(input => readPlaces(input))
      const interrupts = host.interrupts.listen(name => host.exit(exitCodeOfSignal(name)))
      const bar = output.progress()
      try {
        const onProgress = (step: MoveStep) => bar.update({ ...step, label: labelOf(step) })
        const report = await moveStoreHere({ ...places, signal: interrupts.signal, onProgress })
        bar.clear()
        return tell(report, run)
      } catch (error) {
        if (!(error instanceof Interruption)) throw error
        const sentence = `${error.message} Run the same command again, and it goes on where it stopped.`
        throw new CommandFailure(exitCodeOfSignal(error.signalName), 'interrupted', sentence)
      } finally {
        bar.clear()
        interrupts.release()
      }
    },
  })
}

function readPlaces(input: Arguments): { readonly file: string; readonly url: string } {
  const file = input.flag('--from', readPath)
  if (file === null) input.fault('--from is missing; it takes the SQLite file, such as ./tasklane.db.')
  const given = input.flagOrVariable('--to', 'DATABASE_URL', (subject, text) => ({ value: { subject, text } }))
  const url: Reading<string> =
    given === null
      ? { fault: '--to is missing, and DATABASE_URL is not set; it takes postgresql://USER:PASSWORD@HOST/DATABASE.' }
      : readPostgres(given.subject, given.text)
  if ('fault' in url) input.fault(url.fault)
  return { file: file ?? '', url: 'value' in url ? url.value : '' }
}

/** Not repeated where it is wrong: an address may hold a password. */
function readPostgres(subject: string, text: string): Reading<string> {
  const scheme = /^postgres(?:ql)?(?:\+\w+)?:\/\//.exec(text)
  const url = scheme === null ? '' : `postgresql://${text.slice(scheme[0].length)}`
  if (URL.canParse(url) && new URL(url).pathname.length > 1) return { value: url }
  return {
    fault: `${subject} is no address of a PostgreSQL database; it takes postgresql://USER:PASSWORD@HOST/DATABASE.`,
  }
}

function labelOf({ phase, table, done, total }: MoveStep): string {
  return `${phase} ${table}, ${formatCount(done)} of ${formatPlural(total, 'row')}`
}

function tell(report: MoveReport, { output }: CommandRun): ExitCode {
  output.document(toDocument(report), () => render(report, output))
  if (report.isVerified) {
    output.note(
      report.finishedBeforeAtMs === null
        ? `Put ${report.source} away, so that no scheduler runs its tasks a second time.`
        : 'Nothing was done now.',
    )
    return exitCodes.ok
  }
  output.warn(
    `Both sides differ, and the move stays unfinished: no scheduler starts on ${report.target}. Drop the schema tasklane ` +
      'there, and begin anew.',
    'error',
  )
  return exitCodes.failed
}

function toDocument(report: MoveReport): unknown {
  return {
    source: report.source,
    target: report.target,
    verified: report.isVerified,
    rows: report.rows,
    rows_copied: report.rowsCopied,
    copy_seconds: report.copyMs / 1_000,
    compare_seconds: report.compareMs / 1_000,
    last_number: report.lastNumber,
    finished_before: report.finishedBeforeAtMs === null ? null : new Date(report.finishedBeforeAtMs).toISOString(),
    tables: report.tables.map(table => ({
      name: table.name,
      rows: table.rows,
      rows_in_target: table.rowsInTarget,
      source_checksum: table.sourceChecksum,
      target_checksum: table.targetChecksum,
      same: table.isSame,
    })),
  }
}

function render(report: MoveReport, output: Output): string {
  const { rows, rowsCopied, copyMs, finishedBeforeAtMs } = report
  const table = output.table(report.tables, [
    { title: 'table', text: each => each.name },
    { title: 'rows', text: each => formatCount(each.rows), align: 'right' },
    { title: 'there', text: each => formatCount(each.rowsInTarget), align: 'right' },
    { title: 'sha-256', text: each => each.sourceChecksum.slice(0, 12) },
    { title: 'there', text: each => each.targetChecksum.slice(0, 12) },
    {
      title: 'same',
      text: each => (each.isSame ? 'yes' : 'no'),
      style: (text, each) => output.paint(each.isSame ? 'green' : 'red', text),
    },
  ])
  const moved =
    finishedBeforeAtMs === null
      ? `${formatPlural(rowsCopied, 'row')} in ${formatDuration(copyMs)}, ${formatRate((rowsCopied / Math.max(1, copyMs)) * 1_000)} a second`
      : `finished before, at ${new Date(finishedBeforeAtMs).toISOString()}`
  const facts: (readonly [string, string])[] = [
    ['from', report.source],
    ['to', `PostgreSQL at ${report.target}`],
    ['moved', rowsCopied < rows && finishedBeforeAtMs === null ? `${moved}; the rest before` : moved],
    [
      'compared',
      `in ${formatDuration(report.compareMs)}: ${report.isVerified ? 'both sides are the same' : 'DIFFERENT'}`,
    ],
    ['next task', `gets a number above ${formatCount(report.lastNumber)}`],
  ]
  return `${table}\n\n${renderFacts(facts, output.paint)}`
}
