import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { command, createStage, type Stage } from '../support/processes.ts'

let stage: Stage
beforeEach(() => {
  stage = createStage()
})
afterEach(() => stage.close())

interface Expected {
  readonly files: number
  readonly bytes: number
  readonly lines: number
  readonly words: number
  readonly digest: string
}

/** Files whose counts are known by construction, not by another counter. */
function writeFolder(folder: string, files: number): Expected {
  const hashes: string[] = []
  let bytes = 0
  let lines = 0
  let words = 0
  for (let n = 0; n < files; n += 1) {
    const wordCount = n % 7
    const lineCount = n % 3
    const text = Array.from({ length: wordCount }, (_, at) => `wört${n}x${at}`).join('\u2003') + '\n'.repeat(lineCount)
    const content = Buffer.from(text)
    const sub = join(folder, `part-${n % 10}`)
    mkdirSync(sub, { recursive: true })
    writeFileSync(join(sub, `file-${n}.${['md', 'txt', 'ts'][n % 3]}`), content)
    hashes.push(createHash('sha256').update(content).digest('hex'))
    bytes += content.length
    lines += lineCount
    words += wordCount
  }
  writeFileSync(join(folder, 'picture.bin'), Buffer.from([0x89, 0x00, 0x50]))
  writeFileSync(join(folder, 'latin1.txt'), Buffer.from([0x63, 0x61, 0x66, 0xe9, 0x0a]))
  for (const name of ['.git', 'node_modules']) {
    mkdirSync(join(folder, name, 'deep'), { recursive: true })
    writeFileSync(join(folder, name, 'deep', 'file.txt'), 'never counted\n')
  }
  const digest = createHash('sha256')
    .update(
      hashes
        .sort()
        .map(hash => `${hash}\n`)
        .join(''),
    )
    .digest('hex')
  return { files, bytes, lines, words, digest }
}

async function demo(folder: string, ...args: readonly string[]) {
  const running = stage.run(process.execPath, [command, 'demo', folder, '--once', '--json', ...args])
  const { code } = await running.exited
  expect(`${code} ${running.stderr()}`).toMatch(/^0 /)
  return { report: JSON.parse(running.stdout()), said: running.stderr() }
}

describe('tasklane demo', () => {
  it('counts a folder exactly, and prints one object and nothing else', async () => {
    const folder = stage.folder()
    const expected = writeFolder(folder, 300)
    const { report } = await demo(folder)

    expect(report).toMatchObject({ ...expected, skipped: 4, verified: true, tasks: 304 })
    expect(Object.keys(report.by_extension).sort()).toEqual(['.md', '.ts', '.txt'])
    const counted = Object.values<number>(report.workers).reduce((sum, tasks) => sum + tasks, 0)
    expect(counted).toBe(report.tasks)
    expect(Object.keys(report.wait_ms)).toEqual(['p50', 'p95'])
    expect(Object.keys(report.run_ms)).toEqual(['p50', 'p95'])
  })

  it('still gets the exact totals when a worker is killed in the middle', async () => {
    const folder = stage.folder()
    const expected = writeFolder(folder, 600)
    const { report, said } = await demo(folder, '--kill')

    expect(said).toMatch(/SIGKILL/)
    expect(report).toMatchObject({ ...expected, skipped: 4, verified: true })
  })

  it('counts several thousand files', async () => {
    const folder = stage.folder()
    const expected = writeFolder(folder, 6_000)
    const { report } = await demo(folder)

    expect(report).toMatchObject({ ...expected, verified: true })
  })

  it('says what is wrong with a folder that is not there', async () => {
    const running = stage.run(process.execPath, [command, 'demo', join(stage.folder(), 'nowhere'), '--once'])
    expect((await running.exited).code).not.toBe(0)
    expect(running.stderr()).toContain('nowhere')
    expect(running.stderr()).not.toMatch(/^\s+at /m)
  })
})
