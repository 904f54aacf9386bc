import type { PlannedFault } from './plan.ts'
import { readText } from './processes.ts'
import type { Scene } from './scene.ts'
import type { SchedulerLives } from './scheduler.ts'
import { holds, pause } from './waiting.ts'

/** The node that is meant; where there is one only, that one. @throws where none has that name */
export function nodeOf({ fleet }: Scene, target: string | null): SchedulerLives {
  const node = target === null ? fleet.nodes[0] : fleet.nodes.find(each => each.name === target)
  if (node === undefined) throw new Error(`No node is named ${target}.`)
  return node
}

export async function killScheduler(scene: Scene, { target, lastsMs }: PlannedFault): Promise<void> {
  const node = nodeOf(scene, target)
  const over = scene.journal.begin('scheduler_kill', null, true, node.name)
  await node.kill()
  await pause(lastsMs, scene.signal)
  await node.start()
  over()
}

export async function stopScheduler(scene: Scene, { target, lastsMs }: PlannedFault): Promise<void> {
  const node = nodeOf(scene, target)
  const over = scene.journal.begin('scheduler_stop', null, true, node.name)
  node.current().signal('SIGSTOP')
  await pause(lastsMs, scene.signal)
  node.current().signal('SIGCONT')
  over()
}

const leaveWithinMs = 15_000

/** No disturbance: the others are there, and who was served by this one goes to them. */
export async function termScheduler(scene: Scene, { target, lastsMs }: PlannedFault): Promise<void> {
  const node = nodeOf(scene, target)
  const over = scene.journal.begin('scheduler_term', null, false, node.name)
  const exit = await node.stop(leaveWithinMs)
  if (exit?.code !== 0 && !scene.signal.aborted) {
    const sentence = `${node.name} was sent SIGTERM and ended with ${JSON.stringify(exit)}.`
    scene.journal.violated('stops in order', sentence)
    await node.kill()
  }
  await pause(lastsMs, scene.signal)
  await node.start()
  over()
}

const refuseWithinMs = 20_000

export async function startSecond(scene: Scene, { lastsMs }: PlannedFault): Promise<void> {
  const { journal, signal } = scene
  const startedMs = performance.now()
  const over = journal.begin('second_scheduler', null, false)
  const second = nodeOf(scene, null).startSecond()
  const hasEnded = await holds(() => !second.isRunning(), refuseWithinMs, signal)
  const said = readText(second.logFile)
  if (signal.aborted) return
  if (!hasEnded) {
    journal.violated(
      'one owner',
      `A second scheduler on the same file was not refused; its output is in ${second.logFile}.`,
    )
    second.signal('SIGKILL')
    await second.exited
  } else if ((await second.exited).code === 0 || !/already uses/.test(said)) {
    journal.violated(
      'one owner',
      `A second scheduler on the same file was not refused clearly; its output is in ${second.logFile}.`,
    )
  }
  over()
  await pause(lastsMs - (performance.now() - startedMs), signal)
}
