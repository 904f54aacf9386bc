import type { Clock } from '../clock.ts'
import type { WorkerLogger } from '../log.ts'
import { createTransport, type Transport } from '../transport.ts'
import { createHeartbeatCall, type HeartbeatCall } from './heartbeat-call.ts'
import { createLeaseKeeper, type Lease, type LeaseEvents } from './lease-keeper.ts'
import { createLeaseInbox, type LeaseMailbox } from './lease-mail.ts'
import type { LeaseCommand, LeaseList, LeaseReport, LeaseReports } from './lease-messages.ts'
import { createLink, createOutages } from './link.ts'
import { createSystemInfo } from './system-info.ts'

/**
 * The keeper of leases behind a mailbox. It names to the scheduler what it was told to hold, and nothing else.
 *
 * Nobody is woken by what is written in the mailbox. So it is read before the keeper decides anything: before each of
 * its timers, those of the beat and of the end of a lease among them, and before each reply is judged. And it is read
 * every quarter of a lease, whatever the keeper does: it has no timer while a beat is under way, and the end of a lease
 * of which it does not know is not waited for. When a lease is written, half of it is left (an older one is confirmed
 * first, see `takeTasks` in `runtime.ts`); so it is known long before its end.
 */
export interface LeaseService {
  /** What came as a message. */
  obey(commands: readonly LeaseCommand[]): void
  /** Lets go of timers and connections; a thread that is terminated needs no such farewell. */
  end(): void
}

/** Beats are given their time by the keeper, and are its only calls. */
const timeoutMs = 10_000

export function createLeaseService(parts: {
  readonly workerId: string
  readonly clock: Clock
  readonly mailbox: LeaseMailbox
  readonly post: (reports: LeaseReports) => void
}): LeaseService {
  const { workerId, clock } = parts
  let waiting: LeaseReport[] = []
  let transport: Transport | null = null
  let holds = 0
  let onKnown = (): void => {}
  let cancelRead = (): void => {}

  /** What one reply brings about goes as one message. */
  function report(told: LeaseReport): void {
    waiting.push(told)
    if (waiting.length > 1) return
    clock.soon(() => {
      const reports = waiting
      waiting = []
      parts.post({ postedMs: clock.monotonic(), reports })
    })
  }

  const outages = createOutages({
    begin: (code, message) => report({ kind: 'outage', code, message }),
    end: () => report({ kind: 'outage_over' }),
  })
  const line: Transport = {
    call: call =>
      transport === null ? Promise.reject(new Error('No scheduler was named yet.')) : transport.call(call),
    nodes: () => transport?.nodes() ?? 1,
    close: () => transport?.close(),
  }
  const link = createLink(line, clock, outages)
  const events: LeaseEvents = {
    onCancel: ({ taskId, epoch }) => report({ kind: 'cancel', taskId, epoch }),
    onLost: ({ taskId, epoch }, why) => report({ kind: 'lost', taskId, epoch, why }),
    onFenced: ({ taskId, epoch }, why) => report({ kind: 'fenced', taskId, epoch, why }),
    onDrain: () => report({ kind: 'drain' }),
    onWorkerUnknown: () =>
      new Promise(resolve => {
        onKnown = resolve
        report({ kind: 'unknown' })
      }),
  }
  const inbox = createLeaseInbox(parts.mailbox, obey)
  // Only holds and drops are written, and neither sets the timer of the beat: so a beat that reads is still the only one.
  const readingClock: Clock = {
    ...clock,
    after: (ms, callback) =>
      clock.after(ms, () => {
        inbox.read()
        callback()
      }),
  }
  const call = createHeartbeatCall({ workerId, link, readSystemInfo: createSystemInfo(clock) })
  const readingCall: HeartbeatCall = beat => call(beat).finally(inbox.read)
  const keeper = createLeaseKeeper({
    call: readingCall,
    link,
    clock: readingClock,
    logger: createReportingLogger(report),
    events,
    onRound: () => {
      const holdsNamed = holds
      return sentMs => report({ kind: 'round', holds: holdsNamed, sentMs })
    },
  })

  function obey(command: LeaseCommand): void {
    switch (command.kind) {
      case 'connect':
        transport?.close()
        transport = createTransport({ urls: command.urls, token: command.token, timeoutMs, retries: 0, clock })
        return
      case 'terms':
        keeper.setTerms(command.terms)
        readEvery(command.terms.leaseMs / 4)
        return
      case 'start':
        keeper.start()
        return
      case 'hold':
        holds += 1
        keeper.hold(leasesOf(command), command.sinceMs)
        return
      case 'drop':
        keeper.drop(leasesOf(command))
        return
      case 'progress':
        for (const [at, lease] of leasesOf(command).entries()) {
          const progress = command.progress[at]
          if (progress !== undefined) keeper.report(lease, progress)
        }
        return
      case 'draining':
        keeper.setDraining()
        return
      case 'known':
        onKnown()
        return
    }
  }

  function readEvery(ms: number): void {
    cancelRead()
    cancelRead = clock.after(ms, () => {
      inbox.read()
      readEvery(ms)
    })
  }

  return Object.freeze<LeaseService>({
    obey: inbox.hear,
    end: () => {
      cancelRead()
      void keeper.stop()
      transport?.close()
    },
  })
}

function leasesOf({ taskIds, epochs }: LeaseList): readonly Lease[] {
  // Both lists are as long; an epoch that were missing would be one that nobody holds.
  return taskIds.map((taskId, at) => ({ taskId, epoch: epochs[at] ?? 0 }))
}

function createReportingLogger(report: (told: LeaseReport) => void): WorkerLogger {
  const at =
    (level: keyof WorkerLogger): WorkerLogger['info'] =>
    (fields, message) =>
      report({ kind: 'log', level, fields, message })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
