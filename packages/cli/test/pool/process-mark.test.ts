import { spawn } from 'node:child_process'
import { expect, it } from 'vitest'
import { isAlive, markOf, readPs, readStat, signalProcess } from '../../src/pool/process-mark.ts'

it('knows a process by its number together with its beginning, and signals no other', async () => {
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'])
  const exited = new Promise(resolve => child.once('exit', (_code, signal) => resolve(signal)))
  const mark = markOf(child.pid ?? -1)
  if (mark === null) throw new Error('The process was not found.')
  expect(isAlive(mark)).toBe(true)
  const before = { ...mark, began: `${mark.began}0` }
  expect([isAlive(before), signalProcess(before, 'SIGKILL')]).toEqual([false, false])
  expect(child.exitCode).toBeNull()
  expect(signalProcess(mark, 'SIGTERM')).toBe(true)
  expect(await exited).toBe('SIGTERM')
  expect([isAlive(mark), signalProcess(mark, 'SIGKILL')]).toEqual([false, false])
})

it('finds no process where there cannot be one', () => {
  for (const pid of [-1, 0, 1, 1.5, Number.NaN]) expect(markOf(pid)).toBeNull()
})

it('reads the beginning from /proc, whatever the name of the process, and takes one that has ended for none', () => {
  const fields = '1 7 7 0 -1 4194304 100 0 0 0 1 2 0 0 20 0 1 0 2729729 1000 200'
  expect(readStat(`7 (a b) S ${fields}`)).toBe('2729729')
  expect(readStat(`7 (evil) Z 1) R ${fields}`)).toBe('2729729')
  expect(readStat(`7 (node) Z ${fields}`)).toBeNull()
  expect(readStat('')).toBeNull()
})

it('reads the beginning from ps, where there is no /proc', () => {
  expect(readPs('Ss   Thu Jan  1 10:00:00 2030\n')).toBe('Thu Jan 1 10:00:00 2030')
  expect(readPs('Z+   Thu Jan  1 10:00:00 2030')).toBeNull()
  expect(readPs('\n')).toBeNull()
})
