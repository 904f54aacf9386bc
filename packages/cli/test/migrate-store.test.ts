import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig, startScheduler } from '@tasklane/server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshDatabase, postgresServer } from '../../../test/support/servers/postgres.ts'
import { runCommandLine } from '../src/program.ts'
import { createFakeHost, run } from './fake-host.ts'

describe.skipIf((await postgresServer()) === null)('migrate-store', () => {
  it('moves a file, and the scheduler goes on with its tasks on the server', async () => {
    const [from, to] = [await fileWith(30), await newDatabase()]
    const { exitCode, out, err } = await run(['migrate-store', '--from', from, '--to', to])
    expect(exitCode).toBe(0)
    expect(out).toMatch(/^tasks +30 +30 .* yes$/m)
    expect(out).toContain('both sides are the same')
    expect(err).toContain(`Put ${from} away`)
    const scheduler = await startScheduler(
      readConfig({ env: { DATABASE_URL: to, LOG_LEVEL: 'silent' }, flags: { port: 0 } }),
    )
    try {
      const reply = await fetch(`${scheduler.url}/api/tasks/task-29`)
      expect(await reply.json()).toMatchObject({ task_id: 'task-29', status: 'pending', payload: { n: 29 } })
    } finally {
      await scheduler.stop()
    }
  })

  it('tells all of it as one JSON document, takes the address from DATABASE_URL, and repeats what was finished', async () => {
    const [from, url] = [await fileWith(3), await newDatabase()]
    const env = { DATABASE_URL: url }
    const { exitCode, out, err } = await run(['migrate-store', '--from', from, '--json'], { env })
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' })
    const report: { tables: readonly object[]; rows: number } = JSON.parse(out)
    expect(report).toMatchObject({ source: from, verified: true, rows_copied: report.rows, last_number: 3 })
    expect(report.tables).toContainEqual({
      name: 'tasks',
      rows: 3,
      rows_in_target: 3,
      source_checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
      target_checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
      same: true,
    })
    const again = await run(['migrate-store', '--from', from, '--json'], { env })
    expect(JSON.parse(again.out)).toMatchObject({
      verified: true,
      rows_copied: 0,
      tables: report.tables,
      finished_before: expect.any(String),
    })
  })

  it('stops at Ctrl-C with 130, draws a bar where somebody looks, and goes on afterwards', async () => {
    const [from, to] = [await fileWith(50), await newDatabase()]
    const words = ['migrate-store', '--from', from, '--to', to]
    const host = createFakeHost({ isTTY: true })
    const running = runCommandLine(words, host)
    await host.listening
    host.interrupt('SIGINT')
    expect(await running).toBe(130)
    expect(host.err()).toContain('Run the same command again')
    const again = await run(words, { isTTY: true })
    expect(again.exitCode).toBe(0)
    expect(again.err).toContain('comparing counters')
  })

  it('is refused with 5 where a scheduler runs on the file, and where the server holds tasks', async () => {
    const [from, other, to] = [await fileWith(1), await fileWith(1), await newDatabase()]
    const scheduler = await startScheduler(configOf(from))
    const locked = await run(['migrate-store', '--from', from, '--to', to])
    await scheduler.stop()
    expect(locked).toMatchObject({ exitCode: 5, out: '' })
    expect(locked.err).toContain('already uses')
    expect((await run(['migrate-store', '--from', other, '--to', to])).exitCode).toBe(0)
    const taken = await run(['migrate-store', '--from', from, '--to', to])
    expect(taken).toMatchObject({ exitCode: 5, out: '' })
    expect(taken.err).toContain('was moved into')
  })
})

describe('migrate-store without what it needs', () => {
  it.each([
    [[], ['--from is missing', '--to is missing']],
    [
      ['--from', '', '--to', 'mysql://a:secret@b/c'],
      ['--from is empty', '--to is no address of a PostgreSQL database'],
    ],
    [['--from', 'a.db', '--to', 'postgresql://'], ['--to is no address']],
  ])('says all of it at once: %j', async (words, sentences) => {
    const { exitCode, out, err } = await run(['migrate-store', ...words])
    expect(exitCode).toBe(2)
    expect(out).toBe('')
    for (const sentence of sentences) expect(err).toContain(sentence)
    expect(err).not.toContain('secret')
  })

  it('says that the server is away, with 6, and that the file is not there, with 1', async () => {
    const away = ['--to', 'postgresql://tasklane@127.0.0.1:1/tasklane']
    expect((await run(['migrate-store', '--from', await fileWith(1), ...away])).exitCode).toBe(6)
    const gone = await run(['migrate-store', '--from', '/no/such.db', ...away])
    expect(gone.exitCode).toBe(1)
    expect(gone.err).toContain('does not exist')
  })
})

const configOf = (data: string) => readConfig({ env: {}, flags: { data, port: 0, logLevel: 'silent' } })

/** As a scheduler leaves it that was stopped in order. */
async function fileWith(tasks: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tasklane-move-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'tasks.db')
  const scheduler = await startScheduler(configOf(file))
  const batch = Array.from({ length: tasks }, (_, n) => ({ task_id: `task-${n}`, task_type: 'noop', payload: { n } }))
  const reply = await fetch(`${scheduler.url}/api/tasks/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ tasks: batch }),
  })
  expect(reply.ok).toBe(true)
  await scheduler.stop()
  return file
}

async function newDatabase(): Promise<string> {
  const database = await freshDatabase()
  onTestFinished(database.drop)
  return database.url
}
