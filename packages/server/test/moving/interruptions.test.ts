import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { freshDatabase } from '../../../../test/support/servers/postgres.ts'
import { batchBoundsDefault } from '../../src/moving/copy-tables.ts'
import { type MoveStep, moveStore } from '../../src/moving/move-store.ts'
import { hasPostgres } from '../support/postgres-stores.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { askServer, everyRow, liveIn, newDatabase } from './houses.ts'

const bounds = { rowsMax: 5, charsMax: 2_000 }

describe.skipIf(!(await hasPostgres()))('a move that was interrupted', () => {
  let file = ''
  let expected: Awaited<ReturnType<typeof everyRow>> = {}
  beforeAll(async () => {
    const folder = temporaryFolder()
    file = `${folder.path}/tasks.db`
    await liveIn(file, 3)
    const database = await freshDatabase()
    await moveStore({ file, url: database.url, bounds: batchBoundsDefault })
    expected = await everyRow(database.url)
    await database.drop()
    return folder.remove
  })

  it('goes on behind its last batch, wherever it stopped, and ends with the same rows', async () => {
    const url = await newDatabase()
    const copied: number[] = []
    for (let batches = 1; ; batches += 3) {
      let left = batches
      const stopping = new AbortController()
      const onProgress = ({ phase }: MoveStep): void => {
        left -= phase === 'copying' ? 1 : 0
        if (left === 0) stopping.abort(new Error('Stopped by the test.'))
      }
      const outcome = await moveStore({ file, url, bounds, onProgress, signal: stopping.signal }).catch(
        (error: unknown) => error,
      )
      if (outcome instanceof Error) {
        expect(outcome.message).toBe('Stopped by the test.')
        copied.push(await rowsMoved(url))
        continue
      }
      expect(outcome).toMatchObject({ isVerified: true })
      break
    }
    expect(copied.length).toBeGreaterThan(4)
    expect([...copied].sort((one, other) => one - other)).toEqual(copied)
    expect(await everyRow(url)).toEqual(expected)
  })

  it('by kill -9 goes on, and ends with the same rows', async () => {
    const url = await newDatabase()
    for (let kills = 0; kills < 3; kills += 1) {
      const before = await rowsMoved(url)
      const mover = moveInAnotherProcess(file, url)
      while ((await rowsMoved(url)) < before + 20) {
        if (mover.exitCode !== null) throw new Error('It was done before it was killed.')
      }
      mover.kill('SIGKILL')
      await once(mover, 'exit')
    }
    const last = moveInAnotherProcess(file, url)
    const [said] = await Promise.all([once(last.stdout ?? last, 'data'), once(last, 'exit')])
    expect(String(said)).toBe('verified\n')
    expect(await everyRow(url)).toEqual(expected)
  })

  it('by the server goes on, and ends with the same rows', async () => {
    const url = await newDatabase()
    const ending: Promise<unknown>[] = []
    const onProgress = (): void => {
      if (ending.length > 0) return
      ending.push(askServer(url, endMover))
    }
    await expect(moveStore({ file, url, bounds, onProgress })).rejects.toMatchObject({ kind: 'unreachable' })
    await Promise.all(ending)
    expect(await moveStore({ file, url, bounds })).toMatchObject({ isVerified: true })
    expect(await everyRow(url)).toEqual(expected)
  })

  it('while another process goes on with it neither loses nor doubles a row', async () => {
    const url = await newDatabase()
    const both = await Promise.allSettled([1, 2].map(() => moveStore({ file, url, bounds })))
    for (const one of both) {
      if (one.status === 'fulfilled') expect(one.value).toMatchObject({ isVerified: true })
      else expect(one.reason).toMatchObject({ code: 'interrupted' })
    }
    expect(await moveStore({ file, url, bounds })).toMatchObject({ isVerified: true })
    expect(await everyRow(url)).toEqual(expected)
  })
})

const endMover = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE application_name = 'tasklane-move' AND datname = current_database()`

async function rowsMoved(url: string): Promise<number> {
  const [there] = await askServer(url, `SELECT to_regclass('tasklane.house_move')::text AS name`)
  if (there?.name === null) return 0
  const [row] = await askServer(url, 'SELECT progress FROM tasklane.house_move')
  if (row === undefined) return 0
  const { moved }: { moved: Record<string, { rows: number }> } = JSON.parse(String(row.progress))
  return Object.values(moved).reduce((total, { rows }) => total + rows, 0)
}

function moveInAnotherProcess(from: string, to: string): ChildProcess {
  const program = fileURLToPath(new URL('./move-file.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=@tasklane/source', '--import', 'tsx', program, from, to], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}
