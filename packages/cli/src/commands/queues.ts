import { limits, type Queue, type QueuePause } from '@tasklane/protocol'
import { readName, readText } from '../input/values.ts'
import { formatAge, formatCount, formatDuration, formatRate } from '../output/quantities.ts'
import { visibleText } from '../output/text-width.ts'
import { type ConnectedRun, connectionOptions, createCommand, createGroup, type Session } from './command.ts'

export function createQueuesCommand(session: Session) {
  return createGroup('queues', 'look at queues, pause and resume them', [
    createCommand(session, {
      usage: 'list',
      summary: 'list queues',
      options: connectionOptions,
      examples: [['tasklane queues list', 'depth, age of the oldest, rates']],
      run: run =>
        run.connected(
          () => undefined,
          async client => {
            const queues = await client.queues()
            run.output.document({ queues }, () => renderQueues(run, queues))
            return undefined
          },
        ),
    }),
    createPauseCommand(session),
    createResumeCommand(session),
  ])
}

function createPauseCommand(session: Session) {
  return createCommand(session, {
    usage: 'pause <queue...>',
    summary: 'claim nothing more from queues; what runs goes on',
    options: [
      { flags: '--reason <text>', help: 'why, for everybody who looks at what waits; another one replaces it' },
      ...connectionOptions,
    ],
    examples: [
      ['tasklane queues pause default', ''],
      ["tasklane queues pause mail --reason 'Deploying the new mailer'", ''],
    ],
    run: run =>
      run.connected(
        input => {
          const reason = input.flag('--reason', (subject, text) => readText(subject, text, limits.pauseReasonCharsMax))
          return { names: input.operands('QUEUE', readName), reason: reason?.trim() ?? '' }
        },
        async (client, { names, reason }) =>
          setEach(run, names, name => client.pauseQueue(name, reason === '' ? {} : { reason })),
      ),
  })
}

function createResumeCommand(session: Session) {
  return createCommand(session, {
    usage: 'resume <queue...>',
    summary: 'claim from paused queues again',
    options: connectionOptions,
    examples: [['tasklane queues resume default', '']],
    run: run =>
      run.connected(
        input => input.operands('QUEUE', readName),
        async (client, names) => setEach(run, names, name => client.resumeQueue(name)),
      ),
  })
}

async function setEach(
  { output }: ConnectedRun,
  names: readonly string[],
  act: (name: string) => Promise<Queue>,
): Promise<undefined> {
  const queues: Queue[] = []
  for (const each of names) queues.push(await act(each))
  const document = queues.length === 1 ? queues[0] : { queues }
  output.document(document, () => queues.map(sentenceOf).join('\n'))
  return undefined
}

function sentenceOf({ name, paused, pause }: Queue): string {
  if (!paused) return `${name} is open`
  // A scheduler of an earlier version says nothing of it.
  const reason = pause?.reason ?? null
  return `${name} is paused${reason === null ? '' : `: ${visibleText(reason)}`}`
}

function renderQueues({ host, output }: ConnectedRun, queues: readonly Queue[]): string {
  if (queues.length === 0) return 'No queues yet. A queue is there from its first task on.'
  const nowMs = host.nowMs()
  const pauses = {
    title: 'paused',
    text: ({ pause }: Queue) => pauseText(pause ?? unknownPause, nowMs),
    shrinks: true,
  }
  return output.table(queues, [
    { title: 'queue', text: queue => queue.name },
    {
      title: 'state',
      text: queue => (queue.paused ? 'paused' : 'open'),
      style: (text, queue) => output.paint(queue.paused ? 'yellow' : 'green', text),
    },
    { title: 'pending', text: queue => formatCount(queue.counts.pending), align: 'right' },
    { title: 'running', text: queue => formatCount(queue.counts.running), align: 'right' },
    { title: 'scheduled', text: queue => formatCount(queue.counts.scheduled), align: 'right' },
    { title: 'blocked', text: queue => formatCount(queue.counts.blocked), align: 'right' },
    { title: 'failed', text: queue => formatCount(queue.counts.failed), align: 'right' },
    {
      title: 'oldest',
      text: queue => (queue.oldest_age === null ? '-' : formatDuration(queue.oldest_age * 1_000)),
      align: 'right',
    },
    { title: 'in/s', text: queue => formatRate(queue.submitted_per_second), align: 'right' },
    { title: 'out/s', text: queue => formatRate(queue.finished_per_second), align: 'right' },
    ...(queues.some(queue => queue.paused) ? [pauses] : []),
  ])
}

/** Of a queue that is not paused, and where a scheduler of an earlier version says nothing of it. */
const unknownPause: QueuePause = { at: null, by: null, reason: null }

/** `12m 04s ago by anna: Deploying the new mailer`, as far as it is known. */
function pauseText({ at, by, reason }: QueuePause, nowMs: number): string {
  const said = [at === null ? '' : formatAge(at, nowMs), by === null ? '' : `by ${by}`]
    .filter(text => text !== '')
    .join(' ')
  if (reason === null) return said === '' ? '-' : said
  return said === '' ? reason : `${said}: ${reason}`
}
