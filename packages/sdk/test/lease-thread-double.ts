import { onTestFinished } from 'vitest'
import type { Clock } from '../src/clock.ts'
import { createLeaseMailbox, createLeaseOutbox } from '../src/worker/lease-mail.ts'
import type { LeaseReports, StartLeaseThread } from '../src/worker/lease-messages.ts'
import { createLeaseService } from '../src/worker/lease-service.ts'

/**
 * The thread's service on this thread: what is said by messages is cloned and comes later, as between threads, what is
 * written in the mailbox is there at once, and time is the test's.
 */
export function createLeaseThreadDouble(clock: Clock): StartLeaseThread {
  return (workerId, { onReports }) => {
    let hasEnded = false
    const post = (reports: LeaseReports) => deliver(reports, onReports)
    const mailbox = createLeaseMailbox()
    const service = createLeaseService({ workerId, clock, mailbox, post })
    const deliver = <Message>(message: Message, hear: (message: Message) => void) => {
      const clone = structuredClone(message)
      setImmediate(() => {
        if (!hasEnded) hear(clone)
      })
    }
    const stop = async () => {
      // A thread takes its timers and connections with it.
      service.end()
      hasEnded = true
    }
    onTestFinished(stop)
    return { ...createLeaseOutbox(mailbox, commands => deliver(commands, service.obey)), stop }
  }
}
