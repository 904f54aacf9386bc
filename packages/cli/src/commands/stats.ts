import { type Stats, taskStates } from '@tasklane/protocol'
import type { Output } from '../output/output.ts'
import { formatCount, formatDuration, formatRate } from '../output/quantities.ts'
import { renderFacts } from '../output/table.ts'
import { connectionOptions, createCommand, type Session } from './command.ts'
import { paintState } from './tasks.ts'

export function createStatsCommand(session: Session) {
  return createCommand(session, {
    usage: 'stats',
    summary: 'show totals and rates',
    options: connectionOptions,
    examples: [['tasklane stats --json', 'for programs']],
    run: run =>
      run.connected(
        () => undefined,
        async client => {
          const stats = await client.stats()
          run.output.document(stats, () => renderStats(stats, run.output))
          return undefined
        },
      ),
  })
}

function renderStats(stats: Stats, output: Output): string {
  const { workers, rates } = stats
  const times = (value: Stats['wait_ms']) =>
    value === null ? 'none yet' : `p50 ${formatDuration(value.p50)}, p95 ${formatDuration(value.p95)}`
  const tasks = output.table(taskStates, [
    { title: 'tasks', text: state => state, style: (text, state) => paintState(output.paint, state, text) },
    { title: 'count', text: state => formatCount(stats.tasks[state]), align: 'right' },
  ])
  const facts = renderFacts(
    [
      ['tasks', formatCount(stats.total)],
      [
        'workers',
        `${workers.active} active, ${workers.draining} draining, ${workers.lost} lost; ${workers.slots} slots`,
      ],
      [
        'per second',
        rates === null
          ? 'known of all tasks together only'
          : `${formatRate(rates.submitted_per_second)} submitted, ${formatRate(rates.completed_per_second)} completed, ${formatRate(rates.failed_per_second)} failed`,
      ],
      ['waited', times(stats.wait_ms)],
      ['ran', times(stats.run_ms)],
      ['up', `${formatDuration(stats.uptime_seconds * 1_000)}, version ${stats.version}`],
    ],
    output.paint,
  )
  return `${tasks}\n\n${facts}`
}
