import { describe, expect, it } from 'vitest'
import { createOutput } from '../src/output/output.ts'
import { createWorkerLog } from '../src/worker-log.ts'
import { createFakeHost, run } from './fake-host.ts'

function sayAll(level: 'debug' | 'info' | 'warn' | 'error' | 'silent', isStamped = false): string {
  const host = createFakeHost()
  const stamp = isStamped ? { nowMs: host.nowMs, write: (text: string) => host.stderr.write(text) } : null
  const log = createWorkerLog({ output: createOutput(host, false), level, stamp })
  for (const of of ['debug', 'info', 'warn', 'error'] as const) log[of]({ task: 'a' }, `said by ${of}`)
  return host.err()
}

describe('what a worker tells', () => {
  it('is what LOG_LEVEL lets through', () => {
    expect(sayAll('debug')).toBe(
      'said by debug task="a"\nsaid by info\nWarning: said by warn task="a"\nError: said by error task="a"\n',
    )
    expect(sayAll('info')).not.toContain('debug')
    expect(sayAll('warn')).toBe('Warning: said by warn task="a"\nError: said by error task="a"\n')
    expect(sayAll('error')).toBe('Error: said by error task="a"\n')
    expect(sayAll('silent')).toBe('')
  })

  it('has the time before it in the log of a pool', () => {
    expect(sayAll('warn', true)).toBe(
      '2030-01-01T00:00:10.000Z WARN  said by warn task="a"\n2030-01-01T00:00:10.000Z ERROR said by error task="a"\n',
    )
  })

  it('is refused by a level that there is not', async () => {
    const { exitCode, err } = await run(['worker', '--grace', 'x'], { env: { LOG_LEVEL: 'loud' } })
    expect(exitCode).toBe(2)
    expect(err).toContain("LOG_LEVEL takes trace, debug, info, warn, error, silent, not 'loud'.")
    for (const level of ['WARNING', 'critical', 'Off', 'DEBUG']) {
      const { err: said } = await run(['worker', '--grace', 'x'], { env: { LOG_LEVEL: level } })
      expect(said).not.toContain('LOG_LEVEL')
    }
  })
})

describe('where the scheduler is', () => {
  it.each([
    [{}, 'http://127.0.0.1:8000'],
    [{ API_PORT: '9000' }, 'http://127.0.0.1:9000'],
    [{ API_HOST: '0.0.0.0', API_PORT: '9000' }, 'http://127.0.0.1:9000'],
    [{ API_HOST: 'tasks.example' }, 'http://tasks.example:8000'],
    [{ API_HOST: '::1', API_PORT: '0' }, 'http://[::1]:8000'],
    [{ API_PORT: '9443', TASKLANE_TLS_CERT: 'a.pem' }, 'https://127.0.0.1:9443'],
    [{ API_PORT: '9000', TASKLANE_URL: 'http://b:1' }, 'http://b:1'],
  ])('is told by %j', async (env, url) => {
    const client = { queues: async () => [] }
    const { host } = await run(['queues', 'list'], { env: env as Record<string, string>, client })
    expect(host.connections).toEqual([{ urls: [url], token: null }])
  })
})
