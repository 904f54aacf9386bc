import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConfigError, type ConfigInput, otherVariables, readConfig, variables } from './config.ts'

const read = (env: ConfigInput['env'] = {}, flags: ConfigInput['flags'] = {}) => readConfig({ env, flags })

function faultsOf(env: ConfigInput['env'], flags: ConfigInput['flags'] = {}): readonly string[] {
  try {
    read(env, flags)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

describe('the configuration of a node', () => {
  it('has a default for everything', () => {
    expect(read()).toEqual({
      host: '127.0.0.1',
      port: 8_000,
      store: { kind: 'sqlite', file: resolve('tasklane.db') },
      auth: {
        mode: 'open',
        secret: { kind: 'kept', file: resolve('tasklane.db.secret-key'), previous: null, mayPass: true },
        tokenLifetimeMs: 1_800_000,
        adminPassword: null,
        workerToken: null,
        auditRetentionMs: 90 * 86_400_000,
      },
      edge: { allowedHosts: [], trustProxy: false, corsOrigins: [], rateLimit: 1_000, tls: null },
      alerts: { publicUrl: null, webhookAllow: [] },
      sqliteSynchronous: 'FULL',
      logLevel: 'info',
      metricsEnabled: true,
      heartbeatMs: 5_000,
      taskTimeoutMs: 300_000,
      retentionMs: 7 * 86_400_000,
      environment: null,
      traceUrl: null,
      headStartMs: 3_600_000,
      retryBaseMs: 1_000,
      retryCapMs: 3_600_000,
      warnings: [],
    })
  })

  it('takes a flag before the environment, and the environment before the default', () => {
    const env = { API_HOST: '127.0.0.9', API_PORT: '9000', LOG_LEVEL: 'WARNING', HEARTBEAT_INTERVAL: '0.5' }
    expect(read(env)).toMatchObject({ host: '127.0.0.9', port: 9_000, logLevel: 'warn', heartbeatMs: 500 })
    const flags = { host: '::1', port: '0', logLevel: 'debug', heartbeatInterval: '2' }
    expect(read(env, flags)).toMatchObject({ host: '::1', port: 0, logLevel: 'debug', heartbeatMs: 2_000 })
  })

  it('takes an empty variable for one that is not set', () => {
    expect(read({ API_PORT: '', DATABASE_URL: '', LOG_LEVEL: '' })).toEqual(read())
  })

  it('syncs every commit unless told otherwise, and then warns', () => {
    expect(read({ TASKLANE_SQLITE_SYNCHRONOUS: 'normal' })).toMatchObject({
      sqliteSynchronous: 'NORMAL',
      warnings: [expect.stringContaining('power loss')],
    })
    expect(faultsOf({ TASKLANE_SQLITE_SYNCHRONOUS: 'OFF' })).toEqual([
      "TASKLANE_SQLITE_SYNCHRONOUS is 'OFF'; it takes FULL or NORMAL (default FULL).",
    ])
  })

  it('reads the store from --data or DATABASE_URL, relative or absolute', () => {
    const file = (url: string) => read({ DATABASE_URL: url }).store
    expect(file('sqlite:///a/b.db')).toEqual({ kind: 'sqlite', file: resolve('a/b.db') })
    expect(file('sqlite:////var/lib/a%20b.db')).toEqual({ kind: 'sqlite', file: '/var/lib/a b.db' })
    expect(file('memory:')).toEqual({ kind: 'memory' })
    expect(read({ DATABASE_URL: 'memory:' }, { data: 'x.db' }).store).toEqual({ kind: 'sqlite', file: resolve('x.db') })
  })

  it('reads a PostgreSQL address under the names that other systems give it', () => {
    const store = (url: string, more = {}) => read({ DATABASE_URL: url, ...more }).store
    const whole = { kind: 'postgres', url: 'postgresql://u:p@h:1/db', connections: 10, mayMigrate: true }
    for (const scheme of ['postgres', 'postgresql', 'postgresql+asyncpg', 'postgresql+psycopg2']) {
      expect(store(`${scheme}://u:p@h:1/db`)).toEqual({ ...whole, hintsUrl: whole.url })
    }
    // Through a pooler hints need a way of their own.
    expect(store('postgresql://h/db?pgbouncer=true')).toMatchObject({ hintsUrl: null })
    const direct = { TASKLANE_HINTS_URL: 'postgres://h2/db' }
    expect(store('postgresql://h/db?pgbouncer=true', direct)).toMatchObject({ hintsUrl: 'postgresql://h2/db' })
    expect(read({ DATABASE_URL: whole.url }, { migrate: false }).store).toMatchObject({ mayMigrate: false })
  })

  it('never repeats a password', () => {
    for (const url of ['mysql://u:geheim@h/db', 'postgresql://u:geheim@h', 'postgres://u:ge@heim@h:x/db']) {
      const faults = faultsOf({ DATABASE_URL: url })
      expect(faults).toHaveLength(1)
      expect(faults.join()).not.toMatch(/geheim|heim/)
    }
  })

  it('turns DEBUG on, unless a level is named', () => {
    expect(read({ DEBUG: 'true' }).logLevel).toBe('debug')
    expect(read({ DEBUG: 'true', LOG_LEVEL: 'error' }).logLevel).toBe('error')
  })

  it('tells every fault at once, each with its name, its value and the way out', () => {
    const faults = faultsOf(
      {
        METRICS_ENABLED: 'maybe',
        DATABASE_URL: 'mysql://x',
        LOG_LEVEL: 'constructor',
        TASK_TIMEOUT: 'NaN',
        TASKLANE_RETENTOIN: '5',
      },
      { port: '99999', host: 'a b' },
    )
    expect(faults).toHaveLength(7)
    expect(faults.join('\n')).toMatch(/--port is '99999'; it takes a whole number from 0 to 65535 \(default 8000\)/)
    expect(faults.join('\n')).toMatch(/METRICS_ENABLED is 'maybe'; it takes true or false/)
    expect(faults.join('\n')).toMatch(/TASKLANE_RETENTOIN .* did you mean TASKLANE_RETENTION\?/)
  })

  it.each(['1e999', '-1', '1.5', ' ', 'abc', '0x'])('refuses %j as a port', text => {
    expect(faultsOf({ API_PORT: text })).toHaveLength(1)
  })

  it('says what this version cannot do, instead of doing something else', () => {
    expect(faultsOf({ DATABASE_URL: 'mysql://u:secret@h/db' })[0]).toMatch(/postgresql:/)
    expect(faultsOf({ DATABASE_URL: 'sqlite:///%zz' })).toHaveLength(1)
    expect(read({ REDIS_URL: 'redis://x', RABBITMQ_URL: 'amqp://x' }).warnings).toHaveLength(2)
  })

  it('takes a name of its place that fits into a header', () => {
    expect(readConfig({ env: { TASKLANE_ENVIRONMENT: ' production ' } }).environment).toBe('production')
    expect(readConfig({ env: {} }).environment).toBeNull()
    for (const name of ['x'.repeat(33), 'two\nlines']) {
      expect(faultsOf({ TASKLANE_ENVIRONMENT: name })[0]).toContain('TASKLANE_ENVIRONMENT')
    }
  })

  it('takes a web address for traces, into which an id fits, and no other kind of link', () => {
    const traceUrlOf = (url: string) => readConfig({ env: { TASKLANE_TRACE_URL: url } }).traceUrl
    for (const url of [
      'https://jaeger.example/trace/{trace_id}',
      'http://10.0.0.7:3000/explore?left={trace_id}&x={trace_id}',
    ]) {
      expect(traceUrlOf(` ${url} `)).toBe(url)
    }
    for (const url of [
      'javascript:alert(1)//{trace_id}',
      'data:text/html,{trace_id}',
      'jaeger.example/{trace_id}',
      '/trace/{trace_id}',
      'https://jaeger.example/trace/',
      'https://{trace_id}.example/',
      'https://jaeger.example:{trace_id}/',
      'https://user:secret@jaeger.example/{trace_id}',
      `https://jaeger.example/{trace_id}?${'x'.repeat(2_000)}`,
    ]) {
      const faults = faultsOf({ TASKLANE_TRACE_URL: url })
      expect(faults, url).toHaveLength(1)
      expect(faults[0]).toContain('TASKLANE_TRACE_URL takes')
      expect(faults[0]).not.toContain('secret')
    }
  })

  it('names its variables', () => {
    for (const name of variables) expect(faultsOf({ [name]: '' })).toEqual([])
  })

  it('has each of its variables in .env.example, and no other', () => {
    const example = readFileSync(new URL('../../../.env.example', import.meta.url), 'utf8')
    const named = [...example.matchAll(/^(?:# )?([A-Z][A-Z_]+)=/gm)].map(([, name]) => name)
    expect(named.toSorted()).toEqual([...variables, ...otherVariables].toSorted())
    // What stands there uncommented is the default of each.
    const set = [...example.matchAll(/^([A-Z][A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value])
    expect(read(Object.fromEntries(set))).toEqual(read())
  })

  it('takes what the systems it replaces are started with', () => {
    const env = {
      API_HOST: '127.0.0.1',
      API_PORT: '8001',
      DATABASE_URL: 'postgresql+asyncpg://user:pass@localhost/tasks',
      DEBUG: 'True',
      MAX_WORKERS: '8',
      WORKER_ID: 'worker-1',
      SECRET_KEY: 'your-secret-key',
      ALGORITHM: 'HS256',
      ACCESS_TOKEN_EXPIRE_MINUTES: '30',
      METRICS_ENABLED: 'False',
      TASK_TIMEOUT: '3600',
      HEARTBEAT_INTERVAL: '30',
      POSTGRES_PASSWORD: 'x',
      CELERY_BROKER_URL: 'amqp://guest@localhost//',
    }
    expect(read(env)).toMatchObject({ port: 8_001, logLevel: 'debug', metricsEnabled: false, heartbeatMs: 30_000 })
  })
})
