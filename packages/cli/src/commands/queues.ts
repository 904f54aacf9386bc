import type { Queue } from '@tasklane/protocol'
import type { SchedulerClient } from '../connection.ts'
import { readName } from '../input/values.ts'
import { formatCount, formatDuration, formatRate } from '../output/quantities.ts'
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
    createSettingCommand(session, 'pause', 'claim nothing more from queues; what runs goes on', (client, name) =>
      client.pauseQueue(name),
    ),
    createSettingCommand(session, 'resume', 'claim from paused queues again', (client, name) =>
      client.resumeQueue(name),
    ),
  ])
}

function createSettingCommand(
  session: Session,
  name: string,
  summary: string,
  act: (client: SchedulerClient, name: string) => Promise<Queue>,
) {
  return createCommand(session, {
    usage: `${name} <queue...>`,
    summary,
    options: connectionOptions,
    examples: [[`tasklane queues ${name} default`, '']],
    run: run =>
      run.connected(
        input => input.operands('QUEUE', readName),
        async (client, names) => {
          const queues: Queue[] = []
          for (const each of names) queues.push(await act(client, each))
          const document = queues.length === 1 ? queues[0] : { queues }
          run.output.document(document, () =>
            queues.map(queue => `${queue.name} is ${queue.paused ? 'paused' : 'open'}`).join('\n'),
          )
          return undefined
        },
      ),
  })
}

function renderQueues({ output }: ConnectedRun, queues: readonly Queue[]): string {
  if (queues.length === 0) return 'No queues yet. A queue is there from its first task on.'
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
  ])
}
