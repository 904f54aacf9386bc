import { randomBytes } from 'node:crypto'
import { callAt } from './api.ts'
import type { Disk } from './disk.ts'
import { nodeOf } from './node-faults.ts'
import type { PlannedFault } from './plan.ts'
import type { PostgresGround } from './postgres-ground.ts'
import type { Link, LinkMode } from './proxy.ts'
import { ownTask, type Scene } from './scene.ts'
import { holds, pause } from './waiting.ts'

/** From large to small: a store's log has room of its own, which it uses again, and which must be used up too. */
const gorgeBytes = [900_000, 200_000, 40_000, 8_000, 500, 0]
const gorgesMax = 150
const backWithinMs = 15_000

export async function fillDisk(scene: Scene, { lastsMs }: PlannedFault): Promise<void> {
  const { journal, api, signal } = scene
  const { disk, postgres } = scene.ground
  if (disk === null) return
  const over = journal.begin('disk_full', null, true)
  const before = pids(scene)
  disk.fill()
  const isFull = await gorge(scene, disk)
  const fullFromMs = Date.now()
  if (!isFull && !signal.aborted) {
    journal.violated('full disk', 'The disk had no room left, and submits were accepted all the same.')
  }
  const endsAt = performance.now() + lastsMs
  while (performance.now() < endsAt && !signal.aborted) {
    disk.fill()
    if (postgres !== null) await useUpLog(postgres)
    await scene.submitter.once(ownTask(scene, 'gorge', { ms: 0, failures: 0, padding: '' }))
    await pause(100, signal)
  }
  // A server finds room for a small row in a page that it has: there some are accepted by rights, and kept like all others.
  if (isFull && postgres === null) journal.diskWasFull(fullFromMs)
  disk.free()
  const isBack = await holds(
    async () => {
      // Without room for its log PostgreSQL stops; it is started again as a supervisor would do.
      if (postgres !== null && postgres.server.pid() === null) await postgres.server.start()
      return (await scene.submitter.once(ownTask(scene, 'gorge', { ms: 0, failures: 0, padding: '' }))) === 'ok'
    },
    backWithinMs,
    signal,
  )
  if (!isBack && !signal.aborted) {
    const said = await api.get('/readyz')
    const sentence = `Room was made, and ${backWithinMs / 1_000} s later no submit was accepted; /readyz says ${JSON.stringify(said)}.`
    journal.violated('full disk', sentence)
  }
  if (pids(scene) !== before) journal.violated('full disk', 'A scheduler did not outlive the full disk.')
  over()
}

/**
 * Submits until every size was refused. On a file that says little of the small ones, which may have shared their commit
 * with a large one; but /readyz writes one row: where there is no room for that, there is none for a task.
 * @returns whether that was reached
 */
async function gorge(scene: Scene, disk: Disk): Promise<boolean> {
  let at = 0
  for (let tries = 0; tries < gorgesMax && !scene.signal.aborted; tries += 1) {
    disk.fill()
    const bytes = gorgeBytes[at] ?? 0
    const task = ownTask(scene, 'gorge', { ms: 0, failures: 0, padding: paddingOf(bytes) })
    if ((await scene.submitter.once(task)) !== 'ok') at += 1
    if (at < gorgeBytes.length) continue
    if (scene.ground.postgres !== null || (await scene.api.get('/readyz'))?.status === 503) return true
    await pause(50, scene.signal)
  }
  return false
}

/** The server keeps a few files of log ready: each call takes it to the next one, until there is none and no room to make it. */
async function useUpLog({ query }: PostgresGround): Promise<void> {
  // By then it may have stopped.
  await query('SELECT pg_switch_wal()').catch(() => {})
}

/** PostgreSQL packs what repeats itself. */
function paddingOf(bytes: number): string {
  return randomBytes(Math.ceil(bytes / 2))
    .toString('hex')
    .slice(0, bytes)
}

function pids({ fleet }: Scene): string {
  return fleet.nodes.map(node => node.current().pid).join()
}

/** A crash of the server, and its recovery. The fault is over when it answers; nodes find that out by themselves. */
export async function restartDatabase(scene: Scene, { lastsMs }: PlannedFault): Promise<void> {
  const { server } = postgresOf(scene)
  const over = scene.journal.begin('database_restart', null, true)
  await server.stop('immediate')
  await pause(lastsMs, scene.signal)
  await server.start()
  over()
  await expectReady(scene)
}

/** One node and the database no longer hear each other; everybody else does. */
export function onStoreLink(mode: LinkMode): (scene: Scene, fault: PlannedFault) => Promise<void> {
  return async (scene, { kind, target, lastsMs }) => {
    const over = scene.journal.begin(kind, null, true, target ?? 'all')
    const links = [linkOf(scene, target, 'storeLinks'), linkOf(scene, target, 'hintLinks')]
    for (const link of links) link.setMode(mode)
    await pause(lastsMs, scene.signal)
    for (const link of links) link.setMode('pass')
    over()
    await expectReady(scene)
  }
}

/** No disturbance: a hint only saves a look. */
export async function cutHints(scene: Scene, { target, lastsMs }: PlannedFault): Promise<void> {
  const over = scene.journal.begin('hints_cut', null, false, target ?? 'all')
  const link = linkOf(scene, target, 'hintLinks')
  link.setMode('cut')
  await pause(lastsMs, scene.signal)
  link.setMode('pass')
  over()
}

/** All connections of all nodes end, and of the next ones few are granted. */
export async function crowdDatabase(scene: Scene, { lastsMs }: PlannedFault): Promise<void> {
  const postgres = postgresOf(scene)
  const over = scene.journal.begin('database_crowded', null, true)
  await postgres.limitConnections(1)
  await pause(lastsMs, scene.signal)
  await postgres.limitConnections(-1)
  over()
  await expectReady(scene)
}

const readyWithinMs = 20_000

async function expectReady(scene: Scene): Promise<void> {
  for (const node of scene.fleet.nodes) {
    const isReady = await holds(
      async () => (await callAt(node.port(), 'GET', '/readyz'))?.status === 200,
      readyWithinMs,
      scene.signal,
    )
    if (isReady || scene.signal.aborted) continue
    scene.journal.violated(
      'recovers',
      `${node.name} was not ready ${readyWithinMs / 1_000} s after its database was back.`,
    )
  }
}

function postgresOf({ ground }: Scene): PostgresGround {
  if (ground.postgres === null) throw new Error('This fault is one of a server.')
  return ground.postgres
}

function linkOf(scene: Scene, target: string | null, which: 'storeLinks' | 'hintLinks'): Link {
  const link = postgresOf(scene)[which][scene.fleet.nodes.indexOf(nodeOf(scene, target))]
  if (link === undefined) throw new Error(`${target} has no link to its database.`)
  return link
}
