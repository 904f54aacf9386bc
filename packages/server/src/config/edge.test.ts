import { describe, expect, it } from 'vitest'
import { ConfigError, type ConfigInput, readConfig } from '../config.ts'

const read = (env: ConfigInput['env'], flags: ConfigInput['flags'] = {}) =>
  readConfig({ env: { DATABASE_URL: 'memory:', ...env }, flags }).edge

function faultsOf(env: ConfigInput['env'], flags: ConfigInput['flags'] = {}): string {
  try {
    read(env, flags)
    return ''
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.join('\n')
    throw error
  }
}

describe('the settings of the edge', () => {
  it('believes no proxy, all, or those that are named', () => {
    const trust = (text: string) => read({ TRUST_PROXY: text }).trustProxy
    expect(['', 'false', 'true', 'off'].map(trust)).toEqual([false, false, true, false])
    expect(trust('10.0.0.7, 10.1.0.0/16,fd00::/8,loopback')).toEqual([
      '10.0.0.7',
      '10.1.0.0/16',
      'fd00::/8',
      'loopback',
    ])
    // A number of hops cannot tell a proxy from a caller who says to be one; 0.0.0.0/0 is `true`.
    for (const text of ['1', '2', '10.0.0', 'nginx', '10.0.0.0/33', '10.0.0.0/8/8', '0.0.0.0/0']) {
      expect(faultsOf({ TRUST_PROXY: text }), text).toMatch(/TRUST_PROXY holds/)
    }
  })

  it('takes names without scheme and port', () => {
    const hosts = 'Tasks.example,.internal.example, 10.0.0.7,::1,*'
    expect(read({ TASKLANE_ALLOWED_HOSTS: hosts }).allowedHosts).toEqual([
      'tasks.example',
      '.internal.example',
      '10.0.0.7',
      '::1',
      '*',
    ])
    for (const text of ['http://a', 'a:80', 'a/b', '*.example', '-']) {
      expect(faultsOf({ TASKLANE_ALLOWED_HOSTS: text }), text).toMatch(/TASKLANE_ALLOWED_HOSTS holds/)
    }
  })

  it('takes origins as a browser sends them, and never all', () => {
    expect(read({ TASKLANE_CORS_ORIGINS: 'https://a.example,http://localhost:5173' }).corsOrigins).toHaveLength(2)
    for (const text of ['*', 'null', 'https://a.example/', 'a.example', 'https://a.example:443', 'ftp://a.example']) {
      expect(faultsOf({ TASKLANE_CORS_ORIGINS: text }), text).toMatch(/TASKLANE_CORS_ORIGINS holds/)
    }
  })

  it('takes both files of TLS or neither, the flags first', () => {
    expect(read({}).tls).toBeNull()
    const env = { TASKLANE_TLS_CERT: 'c', TASKLANE_TLS_KEY: 'k' }
    expect(read(env).tls).toEqual({ cert: 'c', key: 'k' })
    expect(read(env, { tlsCert: 'c2', tlsKey: 'k2' }).tls).toEqual({ cert: 'c2', key: 'k2' })
    expect(faultsOf({ TASKLANE_TLS_CERT: 'c' })).toMatch(/no key; give --tls-key FILE \(TASKLANE_TLS_KEY\)/)
    expect(faultsOf({}, { tlsKey: 'k' })).toMatch(/no certificate; give --tls-cert/)
  })

  it('limits each caller, unless the limit is 0', () => {
    expect(read({ TASKLANE_RATE_LIMIT: '50' }).rateLimit).toBe(50)
    expect(read({ TASKLANE_RATE_LIMIT: '0' }).rateLimit).toBeNull()
  })
})
