import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AlertKind, alertKindFacts, alertKinds } from '@tasklane/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { variables } from '../../packages/server/src/config/variables.ts'
import { defaultRules } from '../../packages/server/src/core/alert-defaults.ts'
import { call, command, createStage, type Running, root, type Stage, until } from '../support/processes.ts'
import { findOrInstall, programOnPath } from '../support/servers/find-or-install.ts'
import { freePort } from '../support/servers/free-port.ts'

const text = readFileSync(join(root, 'docs/alerts.md'), 'utf8')
const python = await findOrInstall({ name: 'Python 3', packages: ['python3'], find: () => programOnPath('python3') })
const curl = await findOrInstall({ name: 'curl', packages: ['curl'], find: () => programOnPath('curl') })

function blocksOf(language: string): readonly string[] {
  return [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(match => String(match[1]))
}

/** The cells of the rows of the table whose head begins so, without their code marks. */
function table(head: string): readonly (readonly string[])[] {
  const [, rows = ''] = text.split(`| ${head} |`)
  return (
    rows
      .split('\n\n')[0]
      ?.split('\n')
      .slice(2)
      .map(line =>
        line
          .slice(2, -2)
          .split(' | ')
          .map(cell => cell.replaceAll('`', '').trim()),
      ) ?? []
  )
}

describe('docs/alerts.md', () => {
  it('tells the default rules as they are', () => {
    const told = table('rule').map(([id, , lasts, severity]) => [id, lasts, severity])
    const expected = defaultRules.map(({ id, forMs, severity, isEnabled }) => [
      id,
      forMs === 0 ? 'at once' : `${forMs / 60_000} min`,
      isEnabled ? severity : 'disabled',
    ])
    expect(told).toEqual(expected)
    // Their thresholds are in the sentences.
    for (const [at, { threshold }] of defaultRules.entries()) {
      if (threshold !== null) expect(table('rule')[at]?.[1]).toContain(String(threshold))
    }
  })

  it('tells the kinds with their thresholds and windows', () => {
    const words = { at_least: 'from', above: 'above', below: 'below' }
    const boundOf = (kind: AlertKind): string => {
      const { threshold } = alertKindFacts[kind]
      if (threshold === null) return '–'
      const { holds, otherwise, unit } = threshold
      return `${words[holds]} ${otherwise} ${unit}${holds === 'at_least' ? ' on' : ''}`
    }
    const windowsOf = (kind: AlertKind): string => {
      const [first, ...others] = alertKindFacts[kind].windows ?? []
      return first === undefined ? '–' : `${first} s, or ${others.join(', ')}`
    }
    const told = table('kind')
    expect(told.map(([kind, bound, windows]) => [kind, bound, windows])).toEqual(
      alertKinds.map(kind => [kind, boundOf(kind), windowsOf(kind)]),
    )
    for (const [kind, , , subject = ''] of told) {
      const { queue, takesType } = alertKindFacts[kind as AlertKind] // Compared above.
      expect(subject.includes('or queue'), kind).toBe(queue !== null)
      expect(subject.includes('task_type'), kind).toBe(takesType)
    }
  })

  it('names settings that there are', () => {
    const named = table('setting').map(([name]) => String(name))
    expect(named.length).toBeGreaterThan(1)
    expect(named.filter(name => !variables.includes(name))).toEqual([])
  })
})

describe.skipIf(python === null || curl === null)('the commands of docs/alerts.md', () => {
  let stage: Stage
  let url: string
  let port: number
  let folder: string

  beforeAll(async () => {
    stage = createStage()
    port = await freePort()
    const env = {
      TASKLANE_WEBHOOK_ALLOW: '127.0.0.1',
      TASKLANE_PUBLIC_URL: 'https://tasks.example',
      TASKLANE_ENVIRONMENT: 'production',
      HEARTBEAT_INTERVAL: '0.2',
    }
    url = (await stage.scheduler({ env })).url
    folder = stage.folder()
    writeFileSync(join(folder, 'tasklane'), `#!/bin/sh\nexec ${process.execPath} ${command} "$@"\n`)
    chmodSync(join(folder, 'tasklane'), 0o755)
  })
  afterAll(() => stage.close())

  /** Of the blocks of the document, those that were typed. */
  const typed = new Set<string>()

  async function type(block: string): Promise<string> {
    const words = block.replaceAll('http://127.0.0.1:8000', url).replaceAll(':9000', `:${port}`)
    const env = { TASKLANE_URL: url, PATH: `${folder}:${process.env.PATH}` }
    const running = stage.run('bash', ['-ec', words], { env })
    const { code } = await running.exited
    expect(`${code}: ${running.stderr()}`).toMatch(/^0/)
    return running.stdout()
  }

  function blockWith(words: string): string {
    const block = blocksOf('sh').find(each => each.includes(words))
    if (block === undefined) throw new Error(`docs/alerts.md has no command with ${words}`)
    typed.add(block)
    return block
  }

  function receive(secret: string): Running {
    const file = join(folder, 'receiver.py')
    // It says what it got, so that the message of the document can be compared with one that came.
    const program = String(blocksOf('python')[0])
      .replace('9000', String(port))
      .replace('self.end_headers()', 'self.end_headers(); print("body", body.decode(), flush=True)')
    writeFileSync(file, program)
    return stage.run(String(python), [file], { env: { ALERT_SECRET: secret } })
  }

  it('make a channel that a receiver in ten lines of Python understands, and a rule, and a silence', async () => {
    const secret = (await type(blockWith('channels create'))).trim()
    const receiver = receive(secret)
    const { body: made } = await call<{ channels: { channel_id: string }[] }>(url, 'GET', '/api/alerts/channels')
    const tested = () => type(`tasklane alerts channels test ${made.channels[0]?.channel_id}`).catch(String)
    await until(
      tested,
      answer => answer.includes('204'),
      () => 'the receiver to take a test',
    )
    expect(receiver.stdout()).toContain('firing warning This is a test. Nothing is wrong.')
    expect(await type(blockWith('alerts rules\n'))).toContain('queue-unserved')
    expect(await type(blockWith('rules create'))).toContain('queue-paused is disabled')
    for (const id of ['a', 'b']) await call(url, 'POST', '/api/tasks', { task_id: id, task_type: 'x', queue: 'mail' })
    const said = (words: string) =>
      until(
        () => receiver.stdout(),
        output => output.includes(words),
        () => `the receiver to say '${words}'; it said: ${receiver.stderr()}`,
      )
    const output = await said("firing critical 2 tasks wait in queue 'mail'.")
    const bodies = [...output.matchAll(/^body (.*)$/gm)].map(match => JSON.parse(String(match[1])))
    const body = bodies.find(each => !each.test)
    const shown = JSON.parse(String(blocksOf('json')[0]))
    expect(Object.keys(body)).toEqual(Object.keys(shown))
    expect(Object.keys(body.alerts[0])).toEqual(Object.keys(shown.alerts[0]))
    expect(body).toMatchObject({ test: false, environment: 'production' })
    const number = body.alerts[0].alert_id
    expect(body.alerts[0].url).toBe(`https://tasks.example/ui/#/alerts?alert=${number}`)

    const ofThisAlert = (block: string) =>
      block.replaceAll(' 1 ', ` ${number} `).replaceAll(/unsilence 1$/gm, `unsilence ${number}`)
    expect(await type(ofThisAlert(blockWith('alerts silence')))).toMatch(
      /is silenced until .*\n.*is not silenced any more/,
    )
    const answers = (await type(blockWith('curl').replaceAll('/alerts/1/', `/alerts/${number}/`))).split(
      /(?<=\})(?=\{)/,
    )
    const [alerts, rule, silenced, attention] = answers.map(answer => JSON.parse(answer))
    expect(alerts.alerts.map((alert: { rule: string }) => alert.rule)).toContain('Mail is deep')
    expect(rule).toMatchObject({ kind: 'workers_few', threshold: 2, for: 300 })
    expect(silenced.silence).toMatchObject({ reason: 'Known.' })
    expect(attention.items.length).toBeGreaterThan(0)

    await call(url, 'POST', '/api/tasks/a/cancel', {})
    await said("resolved critical 2 tasks wait in queue 'mail'.")
    // What is not signed by the secret is not believed.
    const forged = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      body: '{}',
      headers: { 'tasklane-timestamp': '1' },
    })
    expect(forged.status).toBe(401)
    const pager = (await type(blockWith('--remind'))).trim()
    const { body: all } = await call<{ channels: object[] }>(url, 'GET', '/api/alerts/channels')
    expect(all.channels).toMatchObject([{ remind_every_s: null }, { channel_id: pager, remind_every_s: 14_400 }])
    expect(blocksOf('sh').filter(block => !typed.has(block))).toEqual([])
  })
})
