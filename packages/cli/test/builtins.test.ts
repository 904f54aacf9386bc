import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { limits } from '@tasklane/protocol'
import { PermanentError } from '@tasklane/sdk'
import { Ajv } from 'ajv'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { add, multiply } from '../src/builtins/arithmetic.ts'
import { builtInTypes, createBuiltIns } from '../src/builtins/builtins.ts'
import { createCountFile, mergeCounts } from '../src/builtins/count-files.ts'
import { upperCase } from '../src/builtins/text.ts'
import { noop, simulate, sleep } from '../src/builtins/waiting.ts'
import { attempt } from './run-task.ts'

const exact = Number.MAX_SAFE_INTEGER

describe('add and multiply', () => {
  it.each([
    [1, 2, 3, 2],
    [-1.5, 2, 0.5, -3],
    [0, -0, 0, 0],
    [exact - 1, 1, exact, exact - 1],
    [-6_361, 1, -6_360, -6_361],
  ])('of %d and %d return %d and %d', async (x, y, sum, product) => {
    expect(await attempt(add, { x, y })).toBe(sum)
    expect(await attempt(multiply, { x, y })).toBe(product)
  })

  it('are exact where a double is: every factor of 2^53 − 1', async () => {
    for (const factor of [6_361, 69_431, 20_394_401]) {
      expect(await attempt(multiply, { x: factor, y: exact / factor })).toBe(exact)
      expect(await attempt(multiply, { x: factor, y: -exact / factor })).toBe(-exact)
    }
  })

  it('fail for good where the result would not be exact', async () => {
    await expect(attempt(add, { x: exact, y: 1 })).rejects.toBeInstanceOf(PermanentError)
    await expect(attempt(multiply, { x: 2 ** 27, y: 2 ** 27 })).rejects.toThrow('2^53')
  })

  it.each([
    [{ x: 1 }, 'y: is missing'],
    [{ x: '1', y: true }, 'x: must be a number, not "1"; y: must be a number, not true'],
    [{ x: 1, y: 2, z: 3 }, "z: is not known here; this type takes 'x', 'y'"],
    [{ x: 2 ** 53, y: 1 }, 'x: must be at most'],
    [[1, 2], 'must be an object, not [1,2]'],
    [null, 'x: is missing; y: is missing'],
  ])('refuse %j', async (payload, sentence) => {
    await expect(attempt(add, payload)).rejects.toThrow(sentence)
  })
})

describe('upper_case', () => {
  it.each([
    ['straße', 'STRASSE'],
    ['ﬁn', 'FIN'],
    ['éà', 'ÉÀ'],
    ['日本', '日本'],
    ['', ''],
    ['i', 'I'],
    // By no language's rules: in Turkish the capital of i has a dot.
    ['i\u0131\u0130\u01c6', 'II\u0130\u01c4'],
  ])('of %s is %s', async (text, expected) => {
    expect(await attempt(upperCase, { text })).toBe(expected)
  })

  it('refuses what is no text', async () => {
    await expect(attempt(upperCase, { text: 5 })).rejects.toThrow('text: must be a string, not 5')
  })
})

describe('waiting types', () => {
  it('simulate sleeps the shorter the higher the priority', async () => {
    expect(await attempt(simulate, { seconds: 0.01 }, { priority: 10 })).toEqual({ slept: 0.001, priority: 10 })
    expect(await attempt(simulate, { seconds: 0.01 }, { priority: 1 })).toEqual({ slept: 0.01, priority: 1 })
  })

  it('simulate tells how far it is', async () => {
    const told: number[] = []
    await attempt(simulate, { seconds: 0.4 }, { priority: 2, progress: percent => void told.push(percent) })
    expect(told).toEqual([50, 100])
  })

  it('simulate takes what clients of other systems send with it', async () => {
    expect(await attempt(simulate, { seconds: 0, name: 'report', user: 7 })).toEqual({ slept: 0, priority: 5 })
  })

  it.each([sleep, simulate])('$type ends at once when the task is cancelled', async task => {
    const controller = new AbortController()
    const failing = attempt(task, { seconds: 3_600 }, { signal: controller.signal })
    controller.abort(new Error('cancelled'))
    await expect(failing).rejects.toThrow()
  })

  it('noop takes anything and returns null', async () => {
    for (const payload of [null, 1, 'x', { a: 1 }]) expect(await attempt(noop, payload)).toBeNull()
  })
})

describe('count_file', () => {
  let root = ''
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'tasklane-builtins-'))
    await mkdir(join(root, 'in'))
    await writeFile(join(root, 'in/a.txt'), 'one two\n')
    await writeFile(join(root, 'in/binary'), Buffer.from([0]))
    await writeFile(join(root, 'secret.txt'), 'secret')
    await symlink('../secret.txt', join(root, 'in/link.txt'))
  })
  afterAll(() => rm(root, { recursive: true }))

  it('counts a file below a folder it may read', async () => {
    const task = createCountFile([join(root, 'in')])
    expect(await attempt(task, { path: join(root, 'in/a.txt') })).toMatchObject({ bytes: 8, lines: 1, words: 2 })
  })

  it.each(['secret.txt', 'in/../secret.txt', 'in/link.txt'])('refuses %s, which is outside', async path => {
    const failing = attempt(createCountFile([join(root, 'in')]), { path: `${root}/${path}` })
    await expect(failing).rejects.toBeInstanceOf(PermanentError)
    await expect(failing).rejects.toThrow('--allow-files')
  })

  it('reads nothing where no folder was allowed', async () => {
    await expect(attempt(createCountFile([]), { path: join(root, 'in/a.txt') })).rejects.toThrow('--allow-files')
  })

  it('fails for good where there is no file or no text', async () => {
    const task = createCountFile([root])
    await expect(attempt(task, { path: join(root, 'gone') })).rejects.toBeInstanceOf(PermanentError)
    await expect(attempt(task, { path: join(root, 'in/binary') })).rejects.toBeInstanceOf(PermanentError)
  })
})

describe('merge_counts', () => {
  const count = (words: number, top: [string, number][] = []) => ({ bytes: 10, lines: 1, words, sha256: 'x', top })
  const completed = (result: object) => ({
    status: 'completed' as const,
    result: JSON.parse(JSON.stringify(result)),
    error: null,
  })

  it('adds up counts and merges, and leaves out parents that failed', async () => {
    const parents = {
      a: completed(
        count(3, [
          ['one', 2],
          ['two', 1],
        ]),
      ),
      b: completed({
        files: 4,
        bytes: 100,
        lines: 10,
        words: 50,
        top: [
          ['one', 5],
          ['zwei', 9],
        ],
      }),
      c: { status: 'failed' as const, result: null, error: { code: 'x', message: 'gone' } },
    }
    expect(await attempt(mergeCounts, { of: '.ts' }, { parents })).toEqual({
      files: 5,
      bytes: 110,
      lines: 11,
      words: 53,
      top: [
        ['zwei', 9],
        ['one', 7],
        ['two', 1],
      ],
    })
  })

  it('keeps its result far below what a result may have, whatever its parents hold', async () => {
    const parents = Object.fromEntries(
      Array.from({ length: 300 }, (_, at) => {
        const top = Array.from({ length: 100 }, (_, term): [string, number] => [
          `${'x'.repeat(36)}${at * 100 + term}`,
          1,
        ])
        return [`p${at}`, completed(count(100, top))]
      }),
    )
    const result = await attempt(mergeCounts, {}, { parents })
    expect(result.words).toBe(30_000)
    expect(JSON.stringify(result).length).toBeLessThan(limits.resultBytesMax / 16)
  })
})

describe('the built-in types', () => {
  it('are those the help lists, and the README', () => {
    expect(createBuiltIns().map(task => task.type)).toEqual([...builtInTypes])
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const table = readme.split('## Built-in task types')[1]?.split('##')[0] ?? ''
    const listed = [...table.matchAll(/^\| (`.+?) +\|/gm)].flatMap(([, cell = '']) => cell.match(/\w+/g) ?? [])
    expect(listed).toEqual([...builtInTypes])
  })

  it.each(createBuiltIns().filter(task => task.input !== null))(
    '$type publishes a schema that agrees with its checks',
    async task => {
      const schema = task.input?.['~standard']
      const published = schema !== undefined && 'jsonSchema' in schema ? schema.jsonSchema : null
      const validate = new Ajv({ strict: true }).compile((published as { input: () => object }).input())
      const payloads = [
        {},
        { x: 1, y: 2 },
        { x: '1', y: 2 },
        { x: 1, y: 2, z: 3 },
        { text: 'a' },
        { text: 1 },
        { seconds: 1 },
        { seconds: -1 },
        { path: '/a' },
        { of: 'a' },
        { of: 1 },
        { url: 'http://a/', method: 'GET' },
        { url: 'http://a/', method: 'GRAB' },
        5,
      ]
      for (const payload of payloads) {
        const checked = await schema?.validate(payload)
        expect([payload, validate(payload)]).toEqual([payload, checked?.issues === undefined])
      }
    },
  )
})
