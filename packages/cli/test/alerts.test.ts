import type { Alert, AlertChannel, AlertRule } from '@tasklane/protocol'
import { TasklaneClient } from '@tasklane/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listen, type Node, startNode } from '../../server/test/http/harness.ts'
import { run } from './fake-host.ts'

let node: Node
let client: TasklaneClient
beforeAll(async () => {
  node = await startNode({ keep: true })
  client = new TasklaneClient({ url: `http://127.0.0.1:${await listen(node)}` })
})
afterAll(async () => {
  await client.close()
  await node.stop()
})

const say = (...words: readonly string[]) => run(['alerts', ...words], { client: { alerts: client.alerts } })

async function json<Reply>(...words: readonly string[]): Promise<Reply> {
  const { exitCode, out, err } = await say(...words, '--json')
  expect(exitCode, err).toBe(0)
  return JSON.parse(out)
}

/** The number of an alert that fires, of a queue of its own. */
async function fire(queue: string): Promise<number> {
  await client.pauseQueue(queue)
  await client.submit('noop', null, { queue })
  await node.engine.alerts.look()
  const { alerts } = await json<{ alerts: readonly Alert[] }>('list', '--state', 'firing')
  return alerts.find(alert => alert.queue === queue)?.alert_id ?? 0
}

describe('alerts', () => {
  it('are listed by the bare command, silenced, and spoken of again', async () => {
    expect((await say()).out).toBe('No alerts of this kind.\n')
    await json('rules', 'create', 'Paused', '--kind', 'queue_paused', '--for', '0', '--severity', 'critical')
    const id = await fire('mail')
    expect((await say()).out).toMatch(
      new RegExp(`${id} +firing +critical +Paused +.*Queue 'mail' is paused; 1 task waits\\.`),
    )
    const silenced = await say('silence', String(id), '--for', '2h', '--reason', 'Known.')
    expect(silenced).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/^Alert \d+ is silenced until 20.*Z\.\n$/),
    })
    expect((await json<{ alerts: readonly Alert[] }>('list')).alerts[0]?.silence).toMatchObject({ reason: 'Known.' })
    const until = new Date(Date.now() + 3_600_000).toISOString()
    const again = await json<Alert>('silence', String(id), '--until', until, '--reason', 'Longer.')
    expect(again.silence).toMatchObject({ until, reason: 'Longer.' })
    expect((await say('unsilence', String(id))).out).toBe(`Alert ${id} is not silenced any more.\n`)
    expect((await json<{ alerts: readonly Alert[] }>('list')).alerts[0]?.silence).toBeNull()
  })

  it('are listed by state, severity and rule, as many as asked for', async () => {
    await fire('post')
    await fire('parcels')
    const count = async (...words: readonly string[]) =>
      (await json<{ alerts: readonly Alert[] }>('list', ...words)).alerts.length
    expect(await count('--state', 'firing', '--limit', '2')).toBe(2)
    expect(await count('--state', 'firing', '--severity', 'warning')).toBe(0)
    expect(await count('--state', 'firing', '--rule', 'none')).toBe(0)
    await client.resumeQueue('post')
    await node.engine.alerts.look()
    expect((await say('list', '--state', 'resolved')).out).toMatch(/resolved +critical +Paused/)
  })

  it('tell what is wrong about a silence before anything is sent', async () => {
    const { exitCode, err } = await say('silence', 'x', '--for', '2h', '--until', '2030-01-31T09:00:00Z')
    expect(exitCode).toBe(2)
    expect(err).toContain('--for and --until are both given')
    expect(err).toContain('--reason is missing')
    expect(err).toContain("ALERT takes the number of an alert (`tasklane alerts` shows them), not 'x'.")
    expect((await say('silence', '999', '--reason', 'x')).exitCode).toBe(3)
  })
})

describe('alert rules', () => {
  it('are listed in words, changed, disabled and enabled', async () => {
    const { out } = await say('rules')
    expect(out).toMatch(
      /failure-rate +enabled +critical +.*failure_rate above 25 percent, in the last 5m 00s, of 20 at least/,
    )
    expect(out).toMatch(/queue-depth +disabled/)
    expect(out).toMatch(/failing +enabled +warning +at once +.*failing at least 10 tasks, in the last 1h 00m/)
    const set = await say(
      'rules',
      'set',
      'waiting-long',
      '--threshold',
      '120',
      '--severity',
      'critical',
      '--queue',
      'mail',
    )
    expect(set.out).toBe('waiting-long watches: waiting_long above 120 seconds, queue mail.\n')
    expect((await say('rules', 'disable', 'failing', 'worker-lost')).out).toBe(
      'failing is disabled\nworker-lost is disabled\n',
    )
    expect((await say('rules', 'enable', 'failing')).out).toBe('failing is enabled\n')
  })

  it('are created and removed', async () => {
    const made = await say('rules', 'create', 'Deep', '--kind', 'queue_depth', '--threshold', '5', '--for', '5m')
    expect(made.err).toContain("Rule 'Deep' watches: queue_depth above 5 tasks.")
    const id = made.out.trim()
    const { rules } = await json<{ rules: readonly AlertRule[] }>('rules')
    expect(rules.find(rule => rule.rule_id === id)).toMatchObject({ for: 300, severity: 'warning', default: false })
    expect((await say('rules', 'remove', id)).out).toBe(`${id} is removed\n`)
    expect(await say('rules', 'remove', 'failing')).toMatchObject({
      exitCode: 5,
      err: expect.stringContaining('disable it'),
    })
  })

  it('are told in the number of their threshold', async () => {
    const { err } = await say('rules', 'create', 'Nobody', '--kind', 'workers_few', '--threshold', '1')
    expect(err).toContain('workers_few below 1 worker.')
  })

  it('tell what is wrong about one', async () => {
    expect((await say('rules', 'create', 'x', '--kind', 'queue_dept')).err).toContain("Did you mean 'queue_depth'?")
    expect((await say('rules', 'set', 'failing')).err).toContain('Nothing is to be changed')
    const refused = await say('rules', 'create', 'x', '--kind', 'worker_lost', '--threshold', '5')
    expect(refused).toMatchObject({ exitCode: 2, err: expect.stringContaining('has no threshold') })
  })
})

describe('channels', () => {
  it('are created with a secret that is printed once, tested, listed and removed', async () => {
    expect((await say('channels')).out).toContain('nobody is told of alerts')
    const url = 'https://hooks.example/1'
    const made = await json<AlertChannel & { readonly secret: string }>('channels', 'create', 'Night', url, '--sign')
    expect(made).toMatchObject({ name: 'Night', signed: true, secret: expect.stringMatching(/^[\w-]{32}$/) })
    const plain = await say('channels', 'create', 'Day', url, '--severity', 'critical')
    expect(plain.err).toContain(`Channel 'Day' (${plain.out.trim()}) is told of critical.`)
    const { out } = await say('channels')
    expect(out).toMatch(/Night +enabled +warning,critical +- +yes/)
    expect(out).not.toContain(made.secret)
    // This node has nobody who brings messages out.
    expect(await say('channels', 'test', made.channel_id)).toMatchObject({
      exitCode: 1,
      out: expect.stringContaining('no answer'),
      err: expect.stringContaining('sends no messages'),
    })
    const id = plain.out.trim()
    expect((await say('channels', 'set', id, '--remind', '4h')).out).toBe(
      `${id} is told of critical, and again every 4h 00m while it fires.\n`,
    )
    expect((await say('channels')).out).toMatch(/Day +enabled +critical +every 4h 00m +no/)
    expect(await json('channels', 'set', id, '--remind', 'never', '--name', 'Late')).toMatchObject({
      name: 'Late',
      remind_every_s: null,
    })
    expect((await say('channels', 'set', id, '--remind', '5s')).err).toContain('takes from 60 to')
    expect((await say('channels', 'set', id)).err).toContain('Nothing is to be changed')
    const ids = [made.channel_id, id]
    expect((await say('channels', 'remove', ...ids)).out).toBe(ids.map(id => `${id} is removed\n`).join(''))
  })
})
