import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readEnvFile } from '../src/env-file.ts'
import { UsageError } from '../src/faults.ts'
import { run } from './fake-host.ts'

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'tasklane-env-'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

const write = (text: string, name = '.env') => writeFileSync(join(cwd, name), text)

describe('.env', () => {
  it('stands behind the real environment, and is none where there is none', () => {
    expect(readEnvFile({ env: { A: '1' }, cwd, file: null })).toEqual({ env: { A: '1' }, warnings: [] })
    write('\uFEFFA=file\nB="two words" # why\n\nexport C=3\n#D=4\nE=\nF="first\nsecond"\n')
    expect(readEnvFile({ env: { A: '1', X: undefined }, cwd, file: null })).toEqual({
      env: { A: '1', B: 'two words', C: '3', E: '', F: 'first\nsecond' },
      warnings: [],
    })
    expect(readEnvFile({ env: { A: '1' }, cwd, file: false }).env).toEqual({ A: '1' })
  })

  it('tells lines that say nothing, and repeats none of them', () => {
    write('A=1\nSECRET_KEY: geheim\n= x\nB="open\nC=3')
    const { env, warnings } = readEnvFile({ env: {}, cwd, file: null })
    expect(env).toMatchObject({ A: '1', C: '3' })
    expect(warnings).toEqual([
      "Line 2 of .env is not read: it is no NAME=value, and no comment that begins with '#'.",
      "Line 3 of .env is not read: it is no NAME=value, and no comment that begins with '#'.",
      'Line 4 of .env is not read: its quote (") is not closed.',
    ])
    expect(warnings.join()).not.toContain('geheim')
  })

  it('may be another file, which has to be there then', () => {
    write('A=1', 'other.env')
    expect(readEnvFile({ env: {}, cwd, file: 'other.env' }).env).toEqual({ A: '1' })
    expect(() => readEnvFile({ env: {}, cwd, file: 'none.env' })).toThrow(UsageError)
    expect(() => readEnvFile({ env: {}, cwd, file: '.' })).toThrow(/--env-file cannot be read/)
    // A virtual environment of Python goes by the same name.
    mkdirSync(join(cwd, '.env'))
    expect(readEnvFile({ env: {}, cwd, file: null }).env).toEqual({})
  })

  it('is read by what runs here, and faults in it are those of the environment', async () => {
    write('API_PORT=99999\nnonsense')
    const { exitCode, err } = await run(['serve'], { cwd })
    expect(exitCode).toBe(2)
    expect(err).toContain('Warning: Line 2 of .env is not read')
    expect(err).toContain("API_PORT is '99999'; it takes a whole number")
    write('API_PORT=99998', 'other.env')
    expect((await run(['serve', '--env-file', 'other.env'], { cwd })).err).toContain("'99998'")
    write('WORKER_ID=a b')
    expect((await run(['worker'], { cwd })).err).toContain('WORKER_ID takes a name')
    const none = await run(['serve', '--no-env-file', '--port', '99997'], { cwd })
    expect(none.err).not.toContain('.env')
  })

  it('is not read by what only calls a scheduler: a file could send the token elsewhere', async () => {
    write('TASKLANE_URL=http://evil.example')
    const { host } = await run(['queues', 'list'], { cwd, client: { queues: async () => [] } })
    expect(host.connections).toEqual([{ urls: ['http://127.0.0.1:8000'], token: null }])
  })
})
