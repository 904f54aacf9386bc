import { relative } from 'node:path'
import type { Output } from '../output/output.ts'
import { formatBytes, formatCount, formatDuration, formatPlural } from '../output/quantities.ts'
import { visibleText } from '../output/text-width.ts'
import type { Cluster } from './cluster.ts'
import { showPath } from './path-text.ts'
import type { DemoReport, Findings } from './report.ts'
import { type DemoProgress, finishedOf } from './run-demo.ts'

const extensionsShown = 12
const termsShown = 10
const pathsShown = 10

/** The state of the job for the progress bar. */
export function describeProgress({ counts, total }: DemoProgress, cluster: Cluster) {
  const done = finishedOf(counts)
  const parts = [`${formatCount(done)} of ${formatCount(total)} tasks`]
  for (const state of ['running', 'pending', 'blocked', 'scheduled', 'failed'] as const) {
    if (counts[state] > 0) parts.push(`${formatCount(counts[state])} ${state}`)
  }
  const below = cluster.workers().map(worker => {
    const name = worker.id.padEnd(4)
    if (!worker.child.isAlive()) return `  ${name} gone`
    return `  ${name} ${formatCount(worker.tally.ended).padStart(7)} done, ${worker.tally.running} running`
  })
  return { done, total, label: parts.join(', '), below }
}

/** The result for people. */
export function renderFindings(findings: Findings, root: string, elapsedMs: number, output: Output): string {
  const { report } = findings
  const { paint } = output
  const head = `${formatPlural(report.files, 'text file')}, ${formatBytes(report.bytes)}, ${formatPlural(report.lines, 'line')}, ${formatPlural(report.words, 'word')}; ${formatCount(report.skipped)} skipped`
  const parts = [
    `${paint('bold', head)}\n${formatPlural(report.tasks, 'task')} in ${formatDuration(elapsedMs)}`,
    renderExtensions(report, output),
    renderTerms(findings, output),
    renderWorkers(report, output),
    renderTimes(report, output),
    ...renderOddities(findings, root),
    renderVerdict(findings, output),
  ]
  return parts.filter(part => part !== '').join('\n\n')
}

function renderExtensions(report: DemoReport, output: Output): string {
  const all = Object.entries(report.by_extension).sort(([, a], [, b]) => b.words - a.words)
  if (all.length === 0) return ''
  const table = output.table(all.slice(0, extensionsShown), [
    { title: 'extension', text: ([extension]) => extension },
    { title: 'files', text: ([, sums]) => formatCount(sums.files), align: 'right' },
    { title: 'size', text: ([, sums]) => formatBytes(sums.bytes), align: 'right' },
    { title: 'lines', text: ([, sums]) => formatCount(sums.lines), align: 'right' },
    { title: 'words', text: ([, sums]) => formatCount(sums.words), align: 'right' },
  ])
  const more = all.length - extensionsShown
  return more > 0 ? `${table}\n${output.paint('dim', `and ${formatPlural(more, 'more extension')}`)}` : table
}

function renderTerms(findings: Findings, output: Output): string {
  if (findings.top.length === 0) return ''
  const table = output.table(findings.top.slice(0, termsShown), [
    { title: 'top words', text: ([term]) => term },
    { title: 'count', text: ([, count]) => formatCount(count), align: 'right' },
  ])
  const note = 'words of three letters or more, summed over the 100 most frequent of each file'
  return `${table}\n${output.paint('dim', note)}`
}

function renderWorkers(report: DemoReport, output: Output): string {
  return output.table(Object.entries(report.workers), [
    { title: 'worker', text: ([id]) => id },
    { title: 'tasks', text: ([, tasks]) => formatCount(tasks), align: 'right' },
    {
      title: 'share',
      text: ([, tasks]) => `${Math.round((100 * tasks) / Math.max(1, report.tasks))} %`,
      align: 'right',
    },
  ])
}

function renderTimes(report: DemoReport, output: Output): string {
  const rows = [
    { name: 'waited', ...report.wait_ms, means: 'from when a task could run to its start' },
    { name: 'ran', ...report.run_ms, means: 'from its start to its end' },
  ]
  return output.table(rows, [
    { title: 'time', text: row => row.name },
    { title: 'p50', text: row => formatDuration(row.p50), align: 'right' },
    { title: 'p95', text: row => formatDuration(row.p95), align: 'right' },
    { title: '', text: row => row.means },
  ])
}

function renderOddities(findings: Findings, root: string): readonly string[] {
  const list = (paths: readonly string[]) => {
    const shown = paths.slice(0, pathsShown).map(path => `  ${visibleText(showPath(relative(root, path)))}`)
    const more = paths.length - shown.length
    return [...shown, ...(more > 0 ? [`  and ${formatCount(more)} more`] : [])].join('\n')
  }
  const parts: string[] = []
  if (findings.changed.length > 0) {
    parts.push(`Changed while the demo ran, and counted anew for the comparison:\n${list(findings.changed)}`)
  }
  if (findings.vanished.length > 0) {
    parts.push(`No text any more when their task ran, and left out:\n${list(findings.vanished)}`)
  }
  return parts
}

function renderVerdict(findings: Findings, output: Output): string {
  if (findings.report.verified) {
    const text = 'Verified: totals, extensions and digest are those of a direct count without the scheduler.'
    return output.paint('green', text)
  }
  return output.paint(
    'red',
    `Not verified:\n${findings.disagreements.map(text => `  ${visibleText(text)}`).join('\n')}`,
  )
}
