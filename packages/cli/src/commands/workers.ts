import type { Worker } from '@tasklane/protocol'
import { Command } from 'commander'
import type { SchedulerClient } from '../connection.ts'
import { readName } from '../input/values.ts'
import { formatAge } from '../output/quantities.ts'
import { type ConnectedRun, connectionOptions, createCommand, type Session } from './command.ts'
import { createRestartCommand, createStartCommand, createStatusCommand, createStopCommand } from './pool.ts'
import { createPoolLogsCommand } from './pool-logs.ts'
import { createSuperviseCommand } from './pool-supervise.ts'

export function createWorkersCommand(session: Session) {
  const group = new Command('workers').description('run a pool of workers here; look at all workers, send them away')
  group.helpCommand(false)
  group.commandsGroup('A pool on this machine:')
  for (const make of poolMakers) group.addCommand(make(session))
  group.addCommand(createSuperviseCommand(session), { hidden: true })
  group.commandsGroup('All workers of a scheduler:')
  for (const command of schedulerCommands(session)) group.addCommand(command)
  return group
}

const poolMakers = [
  createStartCommand,
  createStatusCommand,
  createPoolLogsCommand,
  createRestartCommand,
  createStopCommand,
]

function schedulerCommands(session: Session): readonly Command[] {
  return [
    createCommand(session, {
      usage: 'list',
      summary: 'list workers',
      options: connectionOptions,
      examples: [['tasklane workers list', 'who is there, what they run, when they were last heard']],
      run: run =>
        run.connected(
          () => undefined,
          async client => {
            const workers = await client.workers()
            run.output.document({ workers }, () => renderWorkers(run, workers))
            return undefined
          },
        ),
    }),
    createActCommand(session, {
      name: 'drain',
      summary: 'let workers finish what they run, claim nothing more and leave',
      act: (client, id) => client.drainWorker(id),
      done: 'drains',
    }),
    createActCommand(session, {
      name: 'remove',
      summary: 'take workers off the list; what they held goes back at once',
      act: async (client, id) => {
        await client.removeWorker(id)
        return { worker_id: id, removed: true }
      },
      done: 'is removed',
    }),
  ]
}

function createActCommand(
  session: Session,
  spec: {
    readonly name: string
    readonly summary: string
    readonly act: (client: SchedulerClient, id: string) => Promise<unknown>
    readonly done: string
  },
) {
  return createCommand(session, {
    usage: `${spec.name} <worker...>`,
    summary: spec.summary,
    options: connectionOptions,
    examples: [[`tasklane workers ${spec.name} w1`, '']],
    run: run =>
      run.connected(
        input => input.operands('WORKER', readName),
        async (client, ids) => {
          const replies: unknown[] = []
          for (const id of ids) replies.push(await spec.act(client, id))
          const document = replies.length === 1 ? replies[0] : { workers: replies }
          run.output.document(document, () => ids.map(id => `${id} ${spec.done}`).join('\n'))
          return undefined
        },
      ),
  })
}

function renderWorkers({ host, output }: ConnectedRun, workers: readonly Worker[]): string {
  if (workers.length === 0) return 'No workers yet. Start one: tasklane worker'
  const nowMs = host.nowMs()
  const percent = (value: number | undefined) => (value === undefined ? '-' : `${Math.round(value)} %`)
  return output.table(workers, [
    { title: 'worker', text: worker => worker.worker_id },
    {
      title: 'status',
      text: worker => worker.status,
      style: (text, worker) =>
        output.paint(worker.status === 'active' ? 'green' : worker.status === 'lost' ? 'red' : 'yellow', text),
    },
    {
      title: 'tasks',
      text: worker => `${worker.current_tasks.length}/${worker.max_concurrent_tasks}`,
      align: 'right',
    },
    { title: 'cpu', text: worker => percent(worker.system_info.cpu_usage), align: 'right' },
    { title: 'memory', text: worker => percent(worker.system_info.memory_usage), align: 'right' },
    { title: 'version', text: worker => worker.labels.version ?? worker.system_info.sdk?.split(' ')[0] ?? '-' },
    { title: 'heard', text: worker => formatAge(worker.last_heartbeat, nowMs) },
    { title: 'queues', text: worker => worker.queues.join(',') },
    { title: 'types', text: worker => worker.capabilities.join(','), shrinks: true },
  ])
}
