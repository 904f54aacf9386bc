import { Worker } from 'node:worker_threads'
import { createLeaseMailbox, createLeaseOutbox, type LeaseMailbox } from './lease-mail.ts'
import type { StartLeaseThread } from './lease-messages.ts'

export interface LeaseThreadData {
  readonly workerId: string
  readonly mailbox: LeaseMailbox
}

/** Undefined in a bundle of the CommonJS kind, whatever its type says: then the start fails, and that is told. */
const here: string | undefined = import.meta.url

/** Null where the package runs from its TypeScript sources, which a thread cannot load by itself in every Node. */
export const startLeaseThread: StartLeaseThread | null = here?.endsWith('.ts') === true ? null : start

function start(...[workerId, { onReports, onEnd }]: Parameters<StartLeaseThread>): ReturnType<StartLeaseThread> {
  const data: LeaseThreadData = { workerId, mailbox: createLeaseMailbox() }
  // In one expression, which bundlers can see: some make a file of its own of the thread.
  const thread = new Worker(new URL('./lease-thread.js', import.meta.url), {
    workerData: data,
    name: 'tasklane leases',
    // Preloads (--require, --import) are the application's and have no business here.
    execArgv: [],
  })
  thread.on('message', onReports)
  thread.on('error', error => onEnd(error instanceof Error ? error.message : String(error)))
  thread.on('exit', code => onEnd(`it has ended with code ${code}`))
  // It keeps no process alive that has nothing else to do.
  thread.unref()
  return {
    ...createLeaseOutbox(data.mailbox, commands => thread.postMessage(commands)),
    stop: async () => {
      await thread.terminate()
    },
  }
}
