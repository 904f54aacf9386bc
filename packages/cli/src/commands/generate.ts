import { randomBytes } from 'node:crypto'
import { limits } from '@tasklane/protocol'
import type { SchedulerClient } from '../connection.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { Interruption } from '../host.ts'
import type { Arguments } from '../input/arguments.ts'
import { readName, readNumber } from '../input/values.ts'
import { collectLoad, generateLoad, waitForLoad } from '../load/generate-load.ts'
import { generatedTypes, type Mix, readMix } from '../load/mix.ts'
import { type Latency, type LoadSummary, summariseLoad } from '../load/summary.ts'
import type { Output } from '../output/output.ts'
import { formatCount, formatDuration, formatPlural, formatRate } from '../output/quantities.ts'
import { renderFacts } from '../output/table.ts'
import { type ConnectedRun, connectionOptions, createCommand, type Session } from './command.ts'
import { exitCodeOfSignal } from './stopping.ts'

const countDefault = 1_000
const countMax = 10_000_000
const mixDefault: Mix = [{ type: 'noop', share: 1 }]

export function createGenerateCommand(session: Session) {
  return createCommand(session, {
    usage: 'generate',
    summary: 'submit many tasks and measure how long that takes',
    options: [
      { flags: '-n, --count <n>', help: `how many (default ${formatCount(countDefault)})` },
      { flags: '--rate <n>', help: 'submits a second (default: as many as are taken)' },
      { flags: '--mix <shares>', help: `types and their shares (default noop); has ${generatedTypes.join(', ')}` },
      { flags: '-p, --priority <1-10>', help: 'of all of them' },
      { flags: '--queue <name>', help: 'of all of them' },
      { flags: '-w, --wait', help: 'wait until all have ended and measure that too' },
      ...connectionOptions,
    ],
    notes: [
      'Latencies are counted from when a submit was due, so that a slow scheduler is not waited for politely.',
      'The tasks have the label generate=RUN. Ctrl-C ends the submitting and shows what was measured until then.',
    ].join('\n'),
    examples: [
      ['tasklane generate --count 1000 --rate 200', 'for five seconds'],
      ['tasklane generate --mix add=3,sleep=1 --wait', 'three adds to one sleep, to their ends'],
    ],
    run: run => run.connected(readGenerate, (client, given) => generate(run, client, given)),
  })
}

type Given = ReturnType<typeof readGenerate>

function readGenerate(input: Arguments) {
  return {
    count:
      input.flag('--count', (subject, text) => readNumber(subject, text, { min: 1, max: countMax, isWhole: true })) ??
      countDefault,
    ratePerSecond: input.flag('--rate', (subject, text) => readNumber(subject, text, { min: 0.001, max: 1_000_000 })),
    mix: input.flag('--mix', readMix) ?? mixDefault,
    priority: input.flag('--priority', (subject, text) =>
      readNumber(subject, text, { min: limits.priorityMin, max: limits.priorityMax }),
    ),
    queue: input.flag('--queue', readName),
    isWaiting: input.isSet('--wait'),
  }
}

async function generate(run: ConnectedRun, client: SchedulerClient, given: Given): Promise<ExitCode> {
  const { host, output } = run
  // Who is not there is found out by one call, not by a thousand.
  await client.health()
  const runId = randomBytes(4).toString('hex')
  const bar = output.progress()
  const interrupts = host.interrupts.listen(name => host.exit(exitCodeOfSignal(name)))
  const shared = { runId, signal: interrupts.signal, sleep: host.sleep }
  try {
    const outcome = await generateLoad(client, {
      ...given,
      ...shared,
      monotonicMs: () => performance.now(),
      onProgress: done => bar.update({ done, total: given.count, label: `${formatCount(done)} submitted` }),
    })
    const tasks = given.isWaiting ? await watchEnds(client, outcome.submitted, shared, bar) : null
    bar.clear()
    const summary = summariseLoad(runId, outcome, tasks)
    output.document(summary, () => renderSummary(summary, output))
    if (interrupts.signal.reason instanceof Interruption) return exitCodeOfSignal(interrupts.signal.reason.signalName)
    return Object.keys(summary.refused).length > 0 || (summary.ended?.failed ?? 0) > 0 ? exitCodes.failed : exitCodes.ok
  } finally {
    bar.clear()
    interrupts.release()
  }
}

async function watchEnds(
  client: SchedulerClient,
  submitted: number,
  shared: Pick<Parameters<typeof waitForLoad>[1], 'runId' | 'signal' | 'sleep'>,
  bar: ReturnType<Output['progress']>,
) {
  try {
    const onProgress = (done: number) =>
      bar.update({ done, total: submitted, label: `${formatCount(done)} of ${formatPlural(submitted, 'task')} ended` })
    await waitForLoad(client, { ...shared, submitted, onProgress })
    return await collectLoad(client, shared.runId)
  } catch (error) {
    // Ctrl-C: what was measured is shown without the ends.
    if (error instanceof Interruption) return null
    throw error
  }
}

function renderSummary(summary: LoadSummary, output: Output): string {
  const latency = ({ p50, p95, p99 }: Latency) =>
    `p50 ${formatDuration(p50)}, p95 ${formatDuration(p95)}, p99 ${formatDuration(p99)}`
  const refused = Object.entries(summary.refused).map(([code, count]) => `${formatCount(count)} ${code}`)
  const { ended } = summary
  const facts: (readonly [string, string])[] = [
    ['submitted', `${formatPlural(summary.submitted, 'task')} in ${formatDuration(summary.seconds * 1_000)}`],
    ['rate', `${formatRate(summary.submits_per_second)} a second`],
    ['submit latency', latency(summary.submit_ms)],
    ...(refused.length === 0 ? [] : [['refused', refused.join(', ')] as const]),
    ...(ended === undefined
      ? []
      : ([
          [
            'ended',
            `${formatCount(ended.completed)} completed, ${formatCount(ended.failed)} failed, ${formatCount(ended.cancelled)} cancelled`,
          ],
          [
            'throughput',
            `${formatRate(ended.tasks_per_second)} tasks a second over ${formatDuration(ended.seconds * 1_000)}`,
          ],
          ['end to end', latency(ended.end_to_end_ms)],
          ['waited', latency(ended.wait_ms)],
        ] as const)),
    ['label', `generate=${summary.run}`],
  ]
  return renderFacts(facts, output.paint)
}
