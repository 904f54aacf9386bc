import type { StoreKind } from './ground.ts'
import type { Journal } from './journal.ts'
import type { Evidence, Violation } from './model.ts'
import type { Figures, Judgement } from './oracle.ts'
import type { Plan } from './plan.ts'
import { tellStory } from './story.ts'

/** What a run found. `--json` prints it as it is. */
export interface Report extends Figures {
  readonly seed: number
  readonly store: StoreKind
  readonly nodes: number
  readonly faults: Readonly<Record<string, number | 'skipped'>>
  readonly ok: boolean
  /** Executions that a worker gave back uncharged, and settles that came too late and were refused. */
  readonly released: number
  readonly stale: number
  /** How often the machine was so busy that leases may have run out by that alone. */
  readonly stalls: number
  readonly violations: readonly Violation[]
  /** Where the logs are; null where all went well and they are gone. */
  readonly logs: string | null
  /** The first stories of those that are concerned. */
  readonly stories: readonly string[]
}

export interface ReportParts {
  readonly plan: Plan
  readonly folder: string
  readonly journal: Journal
  readonly evidence: Evidence
  /** Null where the run was called off. */
  readonly judgement: Judgement | null
  readonly isDiskThere: boolean
}

const storiesMax = 3
const none: Figures = { submitted: 0, finished: 0, executed_twice: 0, accepted_twice: 0, lost: 0, unknown_replies: 0 }

export function writeReport({ plan, folder, journal, evidence, judgement, isDiskThere }: ReportParts): Report {
  const violations = [...journal.violations(), ...(judgement?.violations ?? [])]
  const isOk = judgement !== null && violations.length === 0
  const faults = Object.fromEntries<number | 'skipped'>(journal.counts())
  if (!isDiskThere) faults.disk_full = 'skipped'
  const concerned = [...new Set(violations.flatMap(({ task }) => (task === null ? [] : [task])))]
  return {
    seed: plan.seed,
    ...plan.setup,
    ...(judgement?.figures ?? none),
    faults,
    ok: isOk,
    released: evidence.tasks.flatMap(task => task.attempts).filter(attempt => attempt.outcome === 'released').length,
    stale: evidence.verdicts.filter(each => each.verdict === 'stale').length,
    stalls: journal.stalls(),
    violations,
    logs: isOk ? null : folder,
    stories: concerned.slice(0, storiesMax).map(task => tellStory(task, evidence, journal.entries())),
  }
}

/** For people. */
export function renderReport(report: Report, minutes: number): string {
  const { faults, violations, stories } = report
  const lines = [
    `Seed ${report.seed}: ${report.ok ? 'every promise was kept.' : 'A PROMISE WAS BROKEN.'}`,
    '',
    ...table([
      ['tasks submitted (answered 2xx)', report.submitted],
      ['of these ended', report.finished],
      ['executed more than once (allowed)', report.executed_twice],
      ['accepted more than once', report.accepted_twice],
      ['lost', report.lost],
      ['submits whose reply never came', report.unknown_replies],
      ['attempts given back uncharged', report.released],
      ['settles refused as too late', report.stale],
      ['stalls of the machine itself', report.stalls],
    ]),
    '',
    'Faults:',
    ...table(Object.entries(faults)),
  ]
  if (violations.length > 0) {
    lines.push('', 'Broken:', ...violations.map(({ promise, sentence }) => `  ${promise}: ${sentence}`))
    for (const story of stories) lines.push('', story)
    lines.push('', `The logs are in ${report.logs}.`)
    lines.push(`Again: npm run chaos -- --seed ${report.seed} --minutes ${minutes}${setupFlags(report)}`)
  }
  return lines.join('\n')
}

function setupFlags({ store, nodes }: Report): string {
  return store === 'sqlite' ? '' : ` --store ${store} --nodes ${nodes}`
}

function table(rows: readonly (readonly [string, number | string])[]): readonly string[] {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${String(value).padStart(7)}`)
}
