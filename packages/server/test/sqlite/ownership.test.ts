import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { taskId } from '../../src/core/task.ts'
import type { Store } from '../../src/ports/store.ts'
import { StoreLockedError } from '../../src/stores/sqlite/file-errors.ts'
import { createSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

describe('the owner of the file', () => {
  it('refuses a second process with a sentence that names the file, the owner and the way out', async () => {
    const file = newFile()
    const owner = await holdInAnotherProcess(file)
    const refusal = await open(file).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(StoreLockedError)
    expect(refusal).toMatchObject({ file, ownerPid: owner.pid })
    expect(String(refusal)).toContain(`Process ${owner.pid}, started `)
    expect(String(refusal)).toContain('Stop it first, or start this one with another file.')
  })

  it('is succeeded right after SIGKILL, and what it answered is there', async () => {
    const file = newFile()
    const owner = await holdInAnotherProcess(file)
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    const store = await open(file)
    expect(await store.task(taskId('from-the-owner'))).toMatchObject({ state: 'pending', number: 1 })
    expect((await store.counts()).pending).toBe(1)
  })

  it('may be this process again after a close, which leaves one file and nothing beside it', async () => {
    const file = newFile()
    const first = await open(file)
    expect(existsSync(`${file}-owner.json`)).toBe(true)
    await first.close()
    expect([`${file}-wal`, `${file}-shm`, `${file}-owner.json`].filter(existsSync)).toEqual([])
    const second = await open(file)
    await expect(second.check()).resolves.toBeUndefined()
  })

  it('is one store at a time within this process, too', async () => {
    const file = newFile()
    await open(file)
    await expect(open(file)).rejects.toBeInstanceOf(StoreLockedError)
  })

  it('answers calls after its close with store_unavailable, and closes twice without harm', async () => {
    const store = await open(newFile())
    await store.close()
    await store.close()
    await expect(store.counts()).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})

function newFile(): string {
  const folder = temporaryFolder()
  onTestFinished(folder.remove)
  return join(folder.path, 'tasks.db')
}

async function open(file: string): Promise<Store> {
  const store = await createSqliteStore({ file, clock: createVirtualClock(), headStartMs: 3_600_000 })
  onTestFinished(() => store.close())
  return store
}

async function holdInAnotherProcess(file: string): Promise<ChildProcess> {
  const program = fileURLToPath(new URL('./hold-file.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=@tasklane/source', '--import', 'tsx', program, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const first: unknown = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  expect(String(first)).toContain('held')
  return child
}
