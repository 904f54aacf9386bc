import { describe, expect, it } from 'vitest'
import { workerId } from '../../src/core/task.ts'
import type { ClaimedTask, WorkerBeat } from '../../src/ports/store.ts'
import { draft, json } from '../support/drafts.ts'
import { hasPostgres } from '../support/postgres-stores.ts'
import { leaseOf, only } from '../support/store-driver.ts'
import { broken } from './invariants.ts'
import { nodeAt, openNodes } from './nodes.ts'

const rounds = 25

describe.skipIf(!(await hasPostgres()))('heartbeats', () => {
  it('never wait in a circle with what settles', async () => {
    const cluster = await openNodes(4)
    const first = nodeAt(cluster, 0)
    const workers = ['w0', 'w1', 'w2', 'w3']
    for (const worker of workers) await first.register(worker)
    for (let round = 0; round < rounds; round += 1) {
      const held: ClaimedTask[] = []
      for (const worker of workers) held.push(await first.submitAndClaim(draft(`${worker}-${round}`), { worker }))
      // Each settles what the next one's beat names.
      const outcomes = await Promise.all(
        held.map((task, at) =>
          nodeAt(cluster, at).exchange({
            settles: [{ lease: leaseOf(task), outcome: { kind: 'completed', result: null }, guard: 'held' }],
            beats: [beatOf(held[(at + 1) % held.length] ?? task, round % 2 === 0 ? 'all' : 'named')],
          }),
        ),
      )
      expect(outcomes.map(({ settles }) => only(settles).verdict)).toEqual(workers.map(() => 'applied'))
      expect(outcomes.every(({ beats }) => only(beats).isKnown)).toBe(true)
    }
    expect(await broken(cluster)).toEqual([])
    expect(await cluster.deadlocks()).toBe(0)
  })

  it('pass over a lease that another transaction is at, unless it would run out or progress be lost', async () => {
    const cluster = await openNodes(1)
    const node = nodeAt(cluster, 0)
    await node.register('w1')
    const task = await node.submitAndClaim(draft('a'), { leaseMs: 60_000 })
    const held = await cluster.hold(`SELECT FROM tasklane.tasks WHERE id = 'a' FOR UPDATE`)
    // Answered while the other transaction is open: held, not lost.
    expect(await node.beat('w1', { held: [task], leaseMs: 60_000 })).toMatchObject({ isKnown: true, lost: [] })
    expect(await node.beat('w1', { held: 'all', leaseMs: 60_000 })).toMatchObject({ cancel: [], lost: [] })
    const other = { ...task, epoch: 7 }
    expect(await node.beat('w1', { held: [other], leaseMs: 60_000 })).toMatchObject({ lost: ['a'] })
    const waits = [
      node.beat('w1', { held: [task], leaseMs: 600_000 }),
      node.beat('w1', { held: [{ taskId: task.id, epoch: 1, progress: json({ percent: 9 }) }], leaseMs: 60_000 }),
    ]
    // Both are beats of one worker, whose row the first one holds: one waits for the task, the other may, too.
    await cluster.untilSomebodyWaits()
    await held.letGo()
    expect(await Promise.all(waits)).toMatchObject([{ lost: [] }, { lost: [] }])
    expect((await node.task('a')).progress).toBe(json({ percent: 9 }))
  })

  it('or the reaper have the last word, at however many nodes they are, but never both', async () => {
    let nowMs = Date.UTC(2030, 0, 1)
    const cluster = await openNodes(4, { fixedNow: () => nowMs })
    const [one, two, three, four] = [0, 1, 2, 3].map(at => nodeAt(cluster, at))
    if (one === undefined || two === undefined || three === undefined || four === undefined) throw new Error('Four.')
    await one.register('w1')
    for (let round = 0; round < rounds; round += 1) {
      const task = await one.submitAndClaim(draft(`t${round}`), { leaseMs: 1_000 })
      nowMs += 1_001
      const [beat] = await Promise.all([three.beat('w1', { held: [task] }), one.reap(), two.reap(), four.reap()])
      const after = await one.task(task.id)
      if (beat.lost.length > 0 || after.state === 'pending') {
        expect(after).toMatchObject({ state: 'pending', crashes: 1, attempt: 1 })
        expect(await one.attempts(task.id)).toHaveLength(1)
        expect((await one.complete(task)).verdict).toBe('stale')
        await one.complete(await one.claimOne())
      } else {
        expect(after).toMatchObject({ state: 'running', crashes: 0, epoch: task.epoch })
        expect((await one.complete(task)).verdict).toBe('applied')
      }
    }
    expect(await broken(cluster)).toEqual([])
  })
})

function beatOf({ id, epoch, workerId: worker }: ClaimedTask, how: 'all' | 'named'): WorkerBeat {
  const held = how === 'all' ? 'all' : [{ taskId: id, epoch, progress: null }]
  return { workerId: worker ?? workerId('nobody'), systemInfo: null, leaseMs: 15_000, held }
}
