// What runs in the thread of the leases: the service, and nothing of the application.
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../clock.ts'
import type { LeaseCommand } from './lease-messages.ts'
import { createLeaseService } from './lease-service.ts'
import type { LeaseThreadData } from './start-lease-thread.ts'

const port = parentPort
if (port === null) throw new Error('This file is run in a thread, by start-lease-thread.')
// Written by `startLeaseThread`, which starts this file.
const data = workerData as LeaseThreadData
const service = createLeaseService({ ...data, clock: systemClock, post: reports => port.postMessage(reports) })
// Only the threaded keeper holds the other end.
port.on('message', (commands: readonly LeaseCommand[]) => service.obey(commands))
