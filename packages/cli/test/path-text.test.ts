import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCountFile } from '../src/builtins/count-files.ts'
import { payloadOfPath, showPath, textOfPath, toFilePath } from '../src/demo/path-text.ts'
import { extensionOf, planDemo } from '../src/demo/plan.ts'
import { surveyFiles } from '../src/demo/survey.ts'
import { walkFolder } from '../src/demo/walk.ts'
import { attempt } from './run-task.ts'

const loneSurrogate = /\p{Surrogate}/u

describe('a path as text', () => {
  it('gives back the bytes it was made of, whatever they are', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc.string({ unit: 'binary' }).map(text => Buffer.from(text)),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), pieces => {
        const bytes = Buffer.concat(pieces)
        expect(Buffer.from(toFilePath(textOfPath(bytes)))).toEqual(bytes)
      }),
    )
  })

  it('is the text itself where the bytes are UTF-8', () => {
    for (const path of ['/a/b.txt', '/Straße/日本/😀', '']) expect(textOfPath(Buffer.from(path))).toBe(path)
  })

  it('differs where the bytes differ', () => {
    const names = [[0xff], [0xfe], [0xef, 0xbf, 0xbd], [...Buffer.from('\\xff')], [0xf0, 0x9f, 0x98]]
    expect(new Set(names.map(name => textOfPath(Buffer.from(name)))).size).toBe(names.length)
  })

  it('shows the bytes that are no text as people write them', () => {
    expect(showPath(textOfPath(Buffer.from([0x61, 0xff, 0xe6, 0x97])))).toBe('a\\xff\\xe6\\x97')
    expect(showPath('/a/😀')).toBe('/a/😀')
  })

  it('travels in a payload as text or, where it is none, as base64', () => {
    expect(payloadOfPath('/a/b')).toEqual({ path: '/a/b' })
    expect(payloadOfPath(textOfPath(Buffer.from([0x2f, 0xff])))).toEqual({ path: 'L/8=', encoding: 'base64' })
  })
})

// Other systems refuse such names.
describe.runIf(process.platform === 'linux')('a file whose name is no UTF-8', () => {
  let root = ''
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'tasklane-names-'))
    for (const last of [0xff, 0xfe]) {
      await writeFile(
        Buffer.concat([Buffer.from(`${root}/na`), Buffer.from([last]), Buffer.from('.txt')]),
        'two words\n',
      )
    }
    await writeFile(join(root, 'plain.txt'), 'one\n')
  })
  afterAll(() => rm(root, { recursive: true }))

  it('is walked over, counted directly and planned like any other', async () => {
    const { files, leftOut, unreadable } = await walkFolder(root)
    expect({ files: files.length, leftOut, unreadable }).toEqual({ files: 3, leftOut: 0, unreadable: [] })
    const survey = await surveyFiles(files)
    expect(survey.unreadable).toEqual([])
    expect([...survey.counts.values()].map(count => count.words).sort()).toEqual([1, 2, 2])
    const plan = planDemo(files)
    expect([...plan.extensions.keys()]).toEqual(['.txt'])
    for (const task of plan.tasks) expect(JSON.stringify(task)).not.toContain('\\ud')
    for (const task of plan.tasks) expect(task.name).not.toMatch(loneSurrogate)
  })

  it('is counted by its task, below the folders of the worker and nowhere else', async () => {
    const { files } = await walkFolder(root)
    const odd = files.find(file => loneSurrogate.test(file)) ?? ''
    expect(await attempt(createCountFile([root]), payloadOfPath(odd))).toMatchObject({ words: 2, lines: 1 })
    await expect(attempt(createCountFile([join(root, '..', 'elsewhere')]), payloadOfPath(odd))).rejects.toThrow()
    await expect(attempt(createCountFile([]), payloadOfPath(odd))).rejects.toThrow('na\\xfe.txt')
  })
})

describe('the demo of odd names', () => {
  it('groups them by the extension that is shown', () => {
    expect(extensionOf(textOfPath(Buffer.from([0x2f, 0x61, 0x2e, 0xff])))).toBe('.\\xff')
  })

  it('never cuts a character of a long name in two', () => {
    for (const path of [`/${'😀'.repeat(200)}`, `/a${'😀'.repeat(200)}`]) {
      expect(planDemo([path]).tasks[0]?.name).not.toMatch(loneSurrogate)
    }
  })
})
