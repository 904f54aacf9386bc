import { expect, it, onTestFinished } from 'vitest'
import { defineTask, TasklaneWorker } from '../src/index.ts'
import { type SchedulerDouble, startSchedulerDouble } from './scheduler-double.ts'
import { createGate, until } from './until.ts'
import { createVirtualClock } from './virtual-clock.ts'
import { collectLog, startWorker } from './worker-setup.ts'

const noop = defineTask({ type: 'noop', run: () => undefined })

function refusal(status: number, code: string) {
  return { status, body: JSON.stringify({ code, detail: `Refused with ${code}.` }) }
}

async function runs(scheduler: SchedulerDouble, taskId: string): Promise<void> {
  scheduler.add({ task_type: 'noop', task_id: taskId })
  await until(`${taskId} is completed`, () => scheduler.stored(taskId).task.status === 'completed')
}

it('a refused heartbeat is told, leaves out the progress, and is sent again', async () => {
  const gate = createGate()
  const held = defineTask({
    type: 'held',
    run: (_, ctx) => {
      ctx.progress(50)
      return gate.opened
    },
  })
  const { scheduler, worker, told } = await startWorker([held], { heartbeatSeconds: 1 })
  scheduler.fail(/heartbeat/, refusal(422, 'text_invalid'))
  scheduler.add({ task_type: 'held', task_id: 'a' })
  await until('a beat is taken', () => scheduler.worker('w1').beats.length > 0)
  expect(told).toContain('error: A heartbeat was refused. Refused with text_invalid.')
  expect(scheduler.worker('w1').beats[0]?.current_tasks).toEqual([{ task_id: 'a', epoch: 1 }])
  expect(worker.status().slotsUsed).toBe(1)
  gate.open()
})

it('a refused claim is told and asked anew', async () => {
  const { scheduler, worker, told } = await startWorker([noop], { heartbeatSeconds: 0.2 })
  scheduler.fail(/claim/, refusal(422, 'validation_failed'))
  await until('it is told', () => told.some(line => line.includes('A claim was refused.')))
  await runs(scheduler, 'a')
  expect(worker.status().state).toBe('running')
})

it('a wrong token is no reason to give up, since it may be set right at the scheduler', async () => {
  const { scheduler, told } = await startWorker([noop], { heartbeatSeconds: 0.2 })
  scheduler.fail(/claim/, refusal(401, 'unauthorized'), 3)
  await until('it was refused', () => told.some(line => line.includes('Refused with unauthorized.')))
  await runs(scheduler, 'a')
})

it('a claim refused because the worker drains is a drain', async () => {
  const { scheduler, worker } = await startWorker([noop], { heartbeatSeconds: 0.2 })
  scheduler.fail(/claim/, refusal(409, 'worker_draining'))
  await worker.done
  expect(worker.status().state).toBe('stopped')
  expect(() => scheduler.worker('w1')).toThrow()
})

it('parents that are gone give the task back', async () => {
  const { scheduler, told } = await startWorker([noop])
  scheduler.answer('GET', '/api/tasks/a/parents', { code: 'task_unknown', detail: 'No such task.' }, 404)
  const stored = scheduler.add({ task_type: 'noop', task_id: 'a' })
  stored.parentsUrl = '/api/tasks/a/parents'
  await until('it is told', () => told.some(line => line.includes('cannot be read. No such task.')))
  await until('it was given back', () => stored.epoch > 1)
  expect(stored.task.attempt).toBeLessThanOrEqual(1)
})

it('an outcome that no scheduler takes is given up with an error, and the worker goes on', async () => {
  const { scheduler, told } = await startWorker([noop])
  // With the claim that goes along, without it, and what is said of the task instead.
  scheduler.fail(/settle/, refusal(422, 'validation_failed'), 3)
  scheduler.add({ task_type: 'noop', task_id: 'a' })
  await until('both are refused', () => told.filter(line => line.includes('was refused. Refused')).length === 2)
  await runs(scheduler, 'b')
})

it('a token that is wrong from the start ends the start', async () => {
  const scheduler = await startSchedulerDouble({}, onTestFinished)
  const { logger, told } = collectLog()
  const worker = new TasklaneWorker({ url: scheduler.url, tasks: [noop], signals: false, logger })
  scheduler.fail(/register/, refusal(401, 'unauthenticated'))
  await expect(worker.start()).rejects.toMatchObject({ status: 401, code: 'unauthenticated' })
  expect(worker.status().state).toBe('stopped')
  expect(told).toEqual([])
})

it('a token that is refused for a minute has run out: the worker ends and says why', async () => {
  const clock = createVirtualClock()
  const { scheduler, worker, told } = await startWorker([noop], { heartbeatSeconds: 1, clock })
  scheduler.fail(/./, refusal(401, 'unauthenticated'), 10_000)
  clock.advance(1_000)
  await until('it was refused', () => told.some(line => line.includes('Refused with unauthenticated.')))
  clock.advance(59_000)
  expect(worker.failure).toBeNull()
  clock.advance(2_000)
  expect(worker.failure).toMatchObject({ status: 401, code: 'unauthenticated' })
  expect(told.at(-1)).toMatch(/error: .* run out or was revoked.*TASKLANE_TOKEN/)
  await until('it has stopped', () => {
    clock.advance(1_000)
    return worker.status().state === 'stopped'
  })
})
