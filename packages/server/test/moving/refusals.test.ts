import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { taskId } from '../../src/core/task.ts'
import { type MoveStep, moveStore } from '../../src/moving/move-store.ts'
import { createPostgresStore } from '../../src/stores/postgres/postgres-store.ts'
import { openDatabase } from '../../src/stores/sqlite/database.ts'
import { StoreFileError, StoreLockedError } from '../../src/stores/sqlite/file-errors.ts'
import { findPgbouncer, startPgbouncer } from '../postgres/pgbouncer.ts'
import { draft } from '../support/drafts.ts'
import { hasPostgres } from '../support/postgres-stores.ts'
import { driveStore } from '../support/store-driver.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { askServer, headStartMs, newDatabase, newFile, openPostgres, openSqlite } from './houses.ts'

const clock = createVirtualClock()
const program = (await hasPostgres()) ? await findPgbouncer() : null

describe.skipIf(!(await hasPostgres()))('a move is refused', () => {
  it('while a scheduler runs on the file, and the other way round', async () => {
    const file = await fileWith('one')
    const owner = await openSqlite(file, clock)
    const url = await newDatabase()
    await expect(moveStore({ file, url })).rejects.toThrow(/already uses .* Stop it first/)
    await expect(moveStore({ file, url })).rejects.toBeInstanceOf(StoreLockedError)
    await owner.close()

    const starts: Promise<unknown>[] = []
    const onProgress = (): void => {
      if (starts.length === 0) starts.push(openSqlite(file, clock).catch((error: unknown) => error))
    }
    expect(await moveStore({ file, url, onProgress })).toMatchObject({ isVerified: true })
    expect(await Promise.all(starts)).toEqual([expect.any(StoreLockedError)])
    await (await openSqlite(file, clock)).close()
  })

  it('from a file that is not there, is empty, is of another program, or of a newer schema', async () => {
    const to = await newDatabase()
    const refusal = (from: string) => moveStore({ file: from, url: to }).catch((error: unknown) => error)
    const gone = newFile()
    expect(await refusal(gone)).toBeInstanceOf(StoreFileError)
    expect(existsSync(gone)).toBe(false)
    const empty = newFile()
    writeFileSync(empty, '')
    expect(String(await refusal(empty))).toContain('is empty')
    const foreign = newFile()
    changeFile(foreign, 'CREATE TABLE other (x)')
    expect(String(await refusal(foreign))).toContain('another program')
    const newer = await fileWith('one')
    changeFile(newer, 'PRAGMA user_version = 99')
    expect(String(await refusal(newer))).toContain('newer Tasklane')
    expect(await askServer(to, `SELECT 1 FROM pg_namespace WHERE nspname = 'tasklane'`)).toEqual([])
  })

  it('into a database that holds tasks, and they stay as they are', async () => {
    const to = await newDatabase()
    const store = await openPostgres(to, clock)
    await driveStore(store).submit(draft('own'))
    await store.close()
    const from = await fileWith('one')
    await expect(moveStore({ file: from, url: to })).rejects.toMatchObject({ code: 'target_not_empty' })
    const again = await openPostgres(to, clock)
    expect(await again.counts()).toMatchObject({ pending: 1 })
    expect(await again.task(taskId('own'))).not.toBeNull()
  })

  it('into a database that a node is connected to', async () => {
    const to = await newDatabase()
    const store = await openPostgres(to, clock)
    await store.counts()
    await expect(moveStore({ file: await fileWith('one'), url: to })).rejects.toMatchObject({ code: 'target_in_use' })
  })

  it('into a database that another file was moved to', async () => {
    const to = await newDatabase()
    await moveStore({ file: await fileWith('one'), url: to })
    await expect(moveStore({ file: await fileWith('two'), url: to })).rejects.toMatchObject({ code: 'other_move' })
  })

  it('into a schema of a newer version', async () => {
    const to = await newDatabase()
    await (await openPostgres(to, clock)).close()
    await askServer(to, `INSERT INTO tasklane.migrations (version, needs, name) VALUES (99, 99, 'later')`)
    await expect(moveStore({ file: await fileWith('one'), url: to })).rejects.toThrow('newer Tasklane')
  })

  it('to be gone on with when a scheduler has worked on the file meanwhile; and no node starts on half of it', async () => {
    const from = await fileWith('one', 'two', 'three')
    const to = await newDatabase()
    const stopping = new AbortController()
    const halfway = moveStore({
      file: from,
      url: to,
      bounds: { rowsMax: 1, charsMax: 1 },
      signal: stopping.signal,
      onProgress: ({ table }) => table === 'tasks' && stopping.abort(new Error('Stopped by the test.')),
    })
    await expect(halfway).rejects.toThrow('Stopped by the test.')
    await expect(openPostgres(to, clock)).rejects.toThrow('is not finished')
    const store = await openSqlite(from, clock)
    await driveStore(store).submit(draft('late'))
    await store.close()
    await expect(moveStore({ file: from, url: to })).rejects.toMatchObject({ code: 'source_changed' })
  })
})

describe.skipIf(!(await hasPostgres()))('a difference at the end', () => {
  it('is found in a single character, and leaves the move unfinished', async () => {
    const from = await fileWith('one', 'two')
    const to = await newDatabase()
    const stopping = new AbortController()
    const bounds = { rowsMax: 1, charsMax: 1 }
    const onProgress = ({ table }: MoveStep): void => {
      if (table === 'counters') stopping.abort(new Error('Stopped by the test.'))
    }
    await expect(moveStore({ file: from, url: to, bounds, onProgress, signal: stopping.signal })).rejects.toThrow(
      'by the test',
    )
    await askServer(to, `UPDATE tasklane.tasks SET payload = '"b"' WHERE id = 'two'`)
    const report = await moveStore({ file: from, url: to })
    expect(report.isVerified).toBe(false)
    expect(report.tables.filter(table => !table.isSame)).toMatchObject([{ name: 'tasks', rows: 2, rowsInTarget: 2 }])
    await expect(openPostgres(to, clock)).rejects.toThrow('is not finished')
  })
})

describe.skipIf(program === null)('behind a pooler in transaction mode', () => {
  it('a move goes through, also where a node was before', async () => {
    if (program === null) throw new Error('The test was to be skipped.')
    const direct = await newDatabase()
    const pooler = await startPgbouncer(program, direct)
    try {
      const node = createPostgresStore({ url: pooler.url, clock, headStartMs, connections: 3 })
      await node.migrate()
      await node.counts()
      await node.close()
      const bounds = { rowsMax: 2, charsMax: 1_000 }
      const file = await fileWith('one', 'two', 'three', 'four', 'five')
      expect(await moveStore({ file, url: pooler.url, bounds })).toMatchObject({ isVerified: true })
    } finally {
      await pooler.close()
    }
  })
})

describe.skipIf(!(await hasPostgres()))('what a killed scheduler left', () => {
  it('is moved with what stands in its log only', async () => {
    const from = newFile()
    const program = fileURLToPath(new URL('../sqlite/hold-file.ts', import.meta.url))
    const owner = spawn(process.execPath, ['--conditions=@tasklane/source', '--import', 'tsx', program, from], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void owner.kill('SIGKILL'))
    await once(owner.stdout, 'data')
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    expect(existsSync(`${from}-wal`)).toBe(true)

    const to = await newDatabase()
    expect(await moveStore({ file: from, url: to })).toMatchObject({ isVerified: true, lastNumber: 1 })
    expect(await (await openPostgres(to, clock)).task(taskId('from-the-owner'))).toMatchObject({ state: 'pending' })
  })
})

async function fileWith(...ids: readonly string[]): Promise<string> {
  const file = newFile()
  const store = await openSqlite(file, clock)
  await driveStore(store).submit(...ids.map(id => draft(id, { payload: 'a' })))
  await store.close()
  return file
}

function changeFile(file: string, sql: string): void {
  const database = openDatabase(file, 0)
  database.exec(sql)
  database.close()
}
