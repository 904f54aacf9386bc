import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLeaseInbox, createLeaseMailbox, createLeaseOutbox, mailboxBytes } from '../src/worker/lease-mail.ts'
import type { LeaseCommand } from '../src/worker/lease-messages.ts'

/** A mailbox with both its ends; messages wait until the test lets them arrive. */
function setup(bytes?: number, bytesBefore = 0) {
  const mailbox = createLeaseMailbox(bytes)
  const counts = new Int32Array(mailbox)
  // As if so many bytes had gone through it, and so many messages that the next one overflows the count.
  counts.set([bytesBefore], 0)
  counts.set([bytesBefore], 16)
  counts.set([2 ** 31 - 1], 32)
  const obeyed: LeaseCommand[] = []
  const underWay: (readonly LeaseCommand[])[] = []
  const inbox = createLeaseInbox(mailbox, command => void obeyed.push(command))
  const outbox = createLeaseOutbox(mailbox, commands => void underWay.push(structuredClone(commands)))
  const arrive = () => {
    const commands = underWay.shift()
    if (commands !== undefined) inbox.hear(commands)
  }
  return { obeyed, underWay, inbox, outbox, arrive }
}

function drop(...taskIds: string[]): LeaseCommand {
  return { kind: 'drop', taskIds, epochs: taskIds.map((_, at) => at + 1) }
}

/** At least; each record begins at a multiple of eight. */
function bytesOf(commands: readonly LeaseCommand[]): number {
  let bytes = 0
  for (const command of commands) if ('taskIds' in command) for (const id of command.taskIds) bytes += 9 + id.length
  return bytes
}

const lease = fc.tuple(
  fc.oneof(
    { weight: 80, arbitrary: fc.uuid() },
    { weight: 40, arbitrary: fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme-ascii' }) },
    // Ids that Tasklane refuses; whatever the scheduler named is told as it is.
    { weight: 1, arbitrary: fc.string({ maxLength: 300, unit: 'binary' }) },
  ),
  fc.maxSafeNat(),
)
const command = fc.oneof(
  { weight: 40, arbitrary: fc.array(lease, { maxLength: 12 }).chain(leases => told(leases)) },
  { weight: 1, arbitrary: fc.constant<LeaseCommand>({ kind: 'draining' }) },
)
const step = fc.oneof(
  { weight: 6, arbitrary: fc.array(command, { minLength: 1, maxLength: 3 }) },
  { weight: 4, arbitrary: fc.constant('read' as const) },
  { weight: 4, arbitrary: fc.constant('arrive' as const) },
)
/** At the second and the third its count overflows on the way; so it does once in four gibibytes. */
const bytesBefore = fc.constantFrom(0, 2 ** 31 - 512, -512)

function told(leases: readonly (readonly [string, number])[]): fc.Arbitrary<LeaseCommand> {
  const list = { taskIds: leases.map(([taskId]) => taskId), epochs: leases.map(([, epoch]) => epoch) }
  return fc.oneof(
    fc.double({ min: 0, noNaN: true }).map((sinceMs): LeaseCommand => ({ kind: 'hold', sinceMs, ...list })),
    fc.constant<LeaseCommand>({ kind: 'drop', ...list }),
  )
}

describe('what is posted', () => {
  it('is obeyed once, unchanged and in order, whenever the other side reads and messages arrive', () => {
    let wentRound = 0
    let followed = 0
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 80, size: 'max' }), bytesBefore, (steps, before) => {
        const { obeyed, underWay, inbox, outbox, arrive } = setup(1_024, before)
        const posted: LeaseCommand[] = []
        let writtenBytes = 0
        for (const each of steps) {
          const waiting = underWay.length
          if (each === 'read') inbox.read()
          else if (each === 'arrive') arrive()
          else {
            outbox.post(each)
            posted.push(...each)
            if (underWay.length === waiting) writtenBytes += bytesOf(each)
            else if (waiting > 0) followed += 1
          }
          // Never out of turn, at any time.
          expect(obeyed).toEqual(posted.slice(0, obeyed.length))
        }
        while (underWay.length > 0) arrive()
        inbox.read()
        expect(obeyed).toEqual(posted)
        if (writtenBytes > 2_048) wentRound += 1
      }),
      { numRuns: 300 },
    )
    // The runs went where the faults would be.
    expect(wentRound).toBeGreaterThan(50)
    expect(followed).toBeGreaterThan(50)
  })

  it('needs no message while the ring has room, however often it was gone round', () => {
    const { obeyed, underWay, inbox, outbox } = setup(1_024)
    const posted: LeaseCommand[] = []
    for (let round = 0; round < 500; round += 1) {
      // Of several sizes, so that the end of the ring is met at every distance.
      const claim = Array.from({ length: 1 + (round % 5) }, (_, at) => `task-${round}-${'x'.repeat((round * at) % 17)}`)
      const now: LeaseCommand[] = [
        { kind: 'hold', sinceMs: round, taskIds: claim, epochs: claim.map(() => round) },
        drop(...claim.slice(1)),
      ]
      outbox.post(now)
      posted.push(...now)
      inbox.read()
    }
    expect(underWay).toHaveLength(0)
    expect(obeyed).toEqual(posted)
  })

  it('goes as a message when the ring is full, and as another until that was obeyed', () => {
    // Two drops of one task fill it.
    const { obeyed, underWay, inbox, outbox, arrive } = setup(64)
    outbox.post([drop('a'), drop('b'), drop('c')])
    expect(underWay).toEqual([[drop('c')]])
    inbox.read()
    expect(obeyed).toEqual([drop('a'), drop('b')])
    outbox.post([drop('d')])
    expect(underWay).toEqual([[drop('c')], [drop('d')]])
    arrive()
    outbox.post([drop('e')])
    expect(underWay).toEqual([[drop('d')], [drop('e')]])
    arrive()
    arrive()
    expect(obeyed).toEqual(['a', 'b', 'c', 'd', 'e'].map(id => drop(id)))
    outbox.post([drop('f')])
    expect(underWay).toEqual([])
    inbox.read()
    expect(obeyed.at(-1)).toEqual(drop('f'))
  })

  it.each([
    ['is longer than the ring', 64, 'a'.repeat(40)],
    ['has an id that is longer than any of Tasklane', 1_024, 'a'.repeat(256)],
    ['has an id of other characters', 1_024, 'Ā'],
  ])('goes as a message when it %s', (_, bytes, taskId) => {
    const { obeyed, underWay, inbox, outbox, arrive } = setup(bytes)
    outbox.post([drop(taskId)])
    inbox.read()
    expect(obeyed).toEqual([])
    expect(underWay).toHaveLength(1)
    arrive()
    expect(obeyed).toEqual([drop(taskId)])
  })

  it('of the largest claim fits into the ring', () => {
    const { underWay, outbox } = setup()
    outbox.post([drop(...Array.from({ length: 500 }, (_, at) => String(at).padStart(128, '0')))])
    expect(underWay).toHaveLength(0)
    expect(Math.log2(mailboxBytes) % 1).toBe(0)
  })
})
