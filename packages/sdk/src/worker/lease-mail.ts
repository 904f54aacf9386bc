import type { LeaseCommand } from './lease-messages.ts'

/**
 * The way from the handlers' thread to the thread of the leases: a ring in shared memory, and messages for the rest.
 *
 * To post a message and wake a thread costs more than all else that is done for a small claim. So what was claimed and
 * what was settled is written where the other thread finds it when it next has something to decide; it is not woken.
 * Written is told: once `post` has returned, a handler may block this side for ever.
 *
 * All is obeyed in the order in which it was posted:
 * - the ring is written only while no message is under way, so what is in it when a message comes is older than that;
 * - what does not go into the ring, because it is full or is no place for such a command, goes as a message, and so does
 *   all that follows until that message was obeyed. A message wakes the thread, which empties the ring first.
 *
 * Nobody waits for the other side, and nothing is dropped. There is one writer and one reader. Each moves a count of
 * its own, by `Atomics`, after it has written or read the bytes that the count speaks of.
 */
export type LeaseMailbox = SharedArrayBuffer

export interface LeaseOutbox {
  post(commands: readonly LeaseCommand[]): void
}

export interface LeaseInbox {
  /** Obeys what was written. */
  read(): void
  /** Obeys what was written, and then what came as a message. */
  hear(commands: readonly LeaseCommand[]): void
}

/** Holds and drops of 11,000 tasks with ids of 36 characters: below 3,000 tasks in a second it is never full. */
export const mailboxBytes = 1_048_576

/** @param bytes a power of two */
export function createLeaseMailbox(bytes = mailboxBytes): LeaseMailbox {
  return new SharedArrayBuffer(ringAt + bytes)
}

export function createLeaseOutbox(
  mailbox: LeaseMailbox,
  postMessage: (commands: readonly LeaseCommand[]) => void,
): LeaseOutbox {
  const ring = createRingWriter(mailbox)
  const counts = new Int32Array(mailbox, 0, ringAt / 4)
  let messages = Atomics.load(counts, obeyedAt)

  return Object.freeze<LeaseOutbox>({
    post: commands => {
      let written = 0
      if (Atomics.load(counts, obeyedAt) === messages) {
        for (const command of commands) {
          if (!ring.write(command)) break
          written += 1
        }
      }
      if (written === commands.length) return
      postMessage(written === 0 ? commands : commands.slice(written))
      messages = (messages + 1) | 0
    },
  })
}

export function createLeaseInbox(mailbox: LeaseMailbox, obey: (command: LeaseCommand) => void): LeaseInbox {
  const readAll = createRingReader(mailbox, obey)
  const counts = new Int32Array(mailbox, 0, ringAt / 4)

  return Object.freeze<LeaseInbox>({
    read: readAll,
    hear: commands => {
      readAll()
      for (const command of commands) obey(command)
      Atomics.add(counts, obeyedAt, 1)
    },
  })
}

/*
 * The counts stand first, each on a cache line of its own; then the ring. `written` and `read` count bytes and overflow
 * as integers of 32 bits do, which is why the ring's size is a power of two.
 *
 * A record, which never wraps and begins at a multiple of eight:
 *   int32 its bytes · int32 how many leases · float64 since when they are held, NaN for a drop
 *   float64 the epoch of each · uint8 the length of each id · the ids, in ASCII
 * Where the rest of the ring is too short for the next one, zero bytes are claimed: the next one stands at the start.
 */
const writtenAt = 0
const readAt = 16
const obeyedAt = 32
const ringAt = 192
const headBytes = 16
const leaseBytes = 9
const idCharsMax = 255

type Told = Extract<LeaseCommand, { kind: 'hold' | 'drop' }>

function createRingWriter(mailbox: LeaseMailbox): { write(command: LeaseCommand): boolean } {
  const counts = new Int32Array(mailbox, 0, ringAt / 4)
  const bytes = mailbox.byteLength - ringAt
  const view = new DataView(mailbox, ringAt)
  const characters = Buffer.from(mailbox, ringAt)
  let written = Atomics.load(counts, writtenAt)

  /** @returns whether it was; nothing of it is seen otherwise */
  function write(command: LeaseCommand): boolean {
    if (command.kind !== 'hold' && command.kind !== 'drop') return false
    // One copy of all costs a quarter of one copy each.
    const ids = command.taskIds.join('')
    // No id of Tasklane's is longer or has other characters; a message takes any.
    if (Buffer.byteLength(ids) !== ids.length || command.taskIds.some(id => id.length > idCharsMax)) return false
    const size = (headBytes + command.taskIds.length * leaseBytes + ids.length + 7) & ~7
    const at = written & (bytes - 1)
    const left = bytes - at
    const skipped = left < size ? left : 0
    const used = (written - Atomics.load(counts, readAt)) | 0
    if (used + skipped + size > bytes) return false
    if (skipped > 0) view.setInt32(at, 0, true)
    put(command, ids, skipped === 0 ? at : 0, size)
    written = (written + skipped + size) | 0
    Atomics.store(counts, writtenAt, written)
    return true
  }

  function put(command: Told, ids: string, from: number, size: number): void {
    const { taskIds, epochs } = command
    view.setInt32(from, size, true)
    view.setInt32(from + 4, taskIds.length, true)
    view.setFloat64(from + 8, command.kind === 'hold' ? command.sinceMs : Number.NaN, true)
    let at = from + headBytes
    for (const epoch of epochs) {
      view.setFloat64(at, epoch, true)
      at += 8
    }
    for (const taskId of taskIds) {
      view.setUint8(at, taskId.length)
      at += 1
    }
    characters.write(ids, at, 'latin1')
  }

  return { write }
}

/** @returns what obeys all that was written before its call */
function createRingReader(mailbox: LeaseMailbox, obey: (command: Told) => void): () => void {
  const counts = new Int32Array(mailbox, 0, ringAt / 4)
  const bytes = mailbox.byteLength - ringAt
  const view = new DataView(mailbox, ringAt)
  const characters = Buffer.from(mailbox, ringAt)
  let read = Atomics.load(counts, readAt)

  function readAll(): void {
    const written = Atomics.load(counts, writtenAt)
    while (read !== written) {
      const at = read & (bytes - 1)
      const size = view.getInt32(at, true)
      const command = size === 0 ? null : get(at)
      read = (read + (size === 0 ? bytes - at : size)) | 0
      Atomics.store(counts, readAt, read)
      if (command !== null) obey(command)
    }
  }

  function get(from: number): Told {
    const count = view.getInt32(from + 4, true)
    const sinceMs = view.getFloat64(from + 8, true)
    const epochs: number[] = []
    const taskIds: string[] = []
    const lengthsAt = from + headBytes + count * 8
    let at = lengthsAt + count
    for (let index = 0; index < count; index += 1) {
      const endAt = at + view.getUint8(lengthsAt + index)
      epochs.push(view.getFloat64(from + headBytes + index * 8, true))
      taskIds.push(characters.toString('latin1', at, endAt))
      at = endAt
    }
    return Number.isNaN(sinceMs) ? { kind: 'drop', taskIds, epochs } : { kind: 'hold', sinceMs, taskIds, epochs }
  }

  return readAll
}
