import { describe, expect, it } from 'vitest'
import { createLocalBroker } from '../../src/brokers/local/local-broker.ts'
import { defaultRules } from '../../src/core/alert-defaults.ts'
import { createEngine, engineSettingsDefault } from '../../src/engine/create-engine.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { systemClock } from '../../src/system-clock.ts'
import { createCourierDouble, messageOf } from '../support/courier-double.ts'
import { draft } from '../support/drafts.ts'
import { hasPostgres } from '../support/postgres-stores.ts'
import { type Nodes, nodeAt, openNodes } from './nodes.ts'

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** Each node with its engine, and all with one courier; a rule that fires at once, and a channel. */
async function openEngines(count: number) {
  const cluster = await openNodes(count)
  const courier = createCourierDouble()
  const lines: string[] = []
  const log = { ...silent, info: (_: object, line: string) => void lines.push(line), child: () => log }
  const engines = cluster.nodes.map(({ store }): Engine => {
    const tell = { ...log, warn: log.info }
    const parts = { store, broker: createLocalBroker(), clock: systemClock, log: tell, courier }
    return createEngine({ ...parts, settings: engineSettingsDefault })
  })
  const [first] = engines
  if (first === undefined) throw new Error('A test needs an engine.')
  for (const { id } of defaultRules) await first.alerts.changeRule(id, { enabled: false })
  await first.alerts.createRule({ name: 'Paused', kind: 'queue_paused', for: 0 })
  await first.alerts.createChannel({ name: 'Night shift', url: 'https://hooks.example/1' })
  return { cluster, engines, first, courier, lines }
}

async function pause(cluster: Nodes, queues: readonly string[], isPaused: boolean): Promise<void> {
  for (const queue of queues) await nodeAt(cluster, 0).store.setQueue(queue, { isPaused })
}

describe.skipIf(!(await hasPostgres()))('alerts of eight nodes', () => {
  it('are told once, however many look and deliver at once', async () => {
    const { cluster, engines, courier, lines } = await openEngines(8)
    const queues = ['a', 'b', 'c', 'd']
    await nodeAt(cluster, 0).submit(...queues.map(queue => draft(queue, { queue })))
    for (const isPaused of [true, false, true]) {
      await pause(cluster, queues, isPaused)
      for (let round = 0; round < 3; round += 1) {
        await Promise.all(engines.map(engine => engine.alerts.look()))
        await Promise.all(engines.map(engine => engine.alerts.deliver()))
      }
    }
    const told = courier.told().flatMap(message => message.split(', '))
    const expected = queues.flatMap(queue => [`firing ${queue}`, `firing ${queue}`, `resolved ${queue}`])
    expect([...told].sort()).toEqual(expected.sort())
    expect(lines.filter(line => line === 'An alert fires.')).toHaveLength(8)
    expect(lines.filter(line => line === 'An alert is resolved.')).toHaveLength(4)
    const ids = courier.letters.map(letter => letter.headers['tasklane-id'])
    expect(new Set(ids).size).toBe(ids.length)
    // A lock that is taken in one order is waited for, and not in a circle.
    expect(await cluster.deadlocks()).toBe(0)
  })

  it('go on, and remind each channel once a time, however many look and deliver at once', async () => {
    const { cluster, engines, first, courier } = await openEngines(8)
    for (const name of ['hourly', 'never']) {
      const remind_every_s = name === 'hourly' ? 3_600 : null
      await first.alerts.createChannel({ name, url: `https://hooks.example/${name}`, remind_every_s })
    }
    const queues = ['a', 'b', 'c']
    await nodeAt(cluster, 0).submit(...queues.map(queue => draft(queue, { queue })))
    await pause(cluster, queues, true)
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(engines.map(engine => engine.alerts.look()))
      await Promise.all(engines.map(engine => engine.alerts.deliver()))
      // An hour goes by.
      await cluster.ask(`UPDATE tasklane.alerts SET fired_at = fired_at - 3600000, tellings = regexp_replace(tellings,
        '"atMs":[0-9]+', '"atMs":0', 'g')`)
    }
    const told = courier.letters.flatMap(letter =>
      messageOf(letter).alerts.map(({ queue, reminder }) => `${letter.url} ${queue} ${reminder}`),
    )
    const expected = queues.flatMap(queue => [
      ...['1', 'hourly', 'never'].map(channel => `https://hooks.example/${channel} ${queue} 0`),
      ...[1, 2].map(reminder => `https://hooks.example/hourly ${queue} ${reminder}`),
    ])
    expect(told.sort()).toEqual(expected.sort())
    expect(await cluster.deadlocks()).toBe(0)
  })

  it('are looked for by one of them at a time', async () => {
    const { cluster } = await openEngines(8)
    const turns = () => Promise.all(cluster.nodes.map(({ store }) => store.takeAlertTurn(60_000)))
    expect((await turns()).filter(isMine => isMine)).toHaveLength(1)
    expect((await turns()).filter(isMine => isMine)).toEqual([])
    expect(await nodeAt(cluster, 0).store.takeAlertTurn(0)).toBe(true)
    // A clock that was set back must not end it for ever.
    await cluster.ask(`UPDATE tasklane.meta SET value = value + 3600000 WHERE name = 'alerts_looked_at'`)
    expect((await turns()).filter(isMine => isMine)).toHaveLength(1)
  })

  it('and what others change is noticed by who watches', async () => {
    const { engines, first } = await openEngines(2)
    const news: string[] = []
    first.watch(each => void news.push(each.kind))
    await first.alerts.noticeOthers()
    await first.alerts.noticeOthers()
    expect(news).toEqual([])
    await engines[1]?.alerts.createRule({ name: 'Deep', kind: 'queue_depth' })
    await first.alerts.noticeOthers()
    expect(news).toEqual(['alerts'])
  })
})
