import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError, type ConfigInput, readConfig, readStoreConfig } from '../config.ts'
import { systemClock } from '../system-clock.ts'
import { openSecrets, SecretFileError } from './open-secrets.ts'

const goodKey = 'b3f1c9d2e4a7068859f1c3d7e9ab0246b3f1c9d2e4a70688'
const otherKey = 'c0ffee12d2e4a7068859f1c3d7e9ab0246b3f1c9d2e4a706'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tasklane-auth-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function read(env: ConfigInput['env'] = {}, flags: ConfigInput['flags'] = {}) {
  return readConfig({ env, flags: { data: join(folder, 'a.db'), ...flags } })
}

function faultsOf(env: ConfigInput['env'], flags: ConfigInput['flags'] = {}): string {
  try {
    read(env, flags)
    return ''
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.join('\n')
    throw error
  }
}

describe('who has to log in', () => {
  it.each(['127.0.0.1', '127.8.8.8', 'localhost', '::1', 'node.localhost'])('nobody on %s, unless asked for', host => {
    expect(read({}, { host }).auth.mode).toBe('open')
    expect(read({ TASKLANE_AUTH: 'required' }, { host }).auth.mode).toBe('required')
  })

  it.each(['0.0.0.0', '::', '10.1.2.3', 'tasks.example', 'localhost.example', '127.evil.example'])(
    'everybody on %s, unless it is off',
    host => {
      expect(read({ SECRET_KEY: goodKey }, { host }).auth.mode).toBe('required')
      const { auth, warnings } = read({ TASKLANE_AUTH: 'off' }, { host })
      expect(auth.mode).toBe('off')
      expect(warnings).toEqual([expect.stringContaining('whoever can reach it may do everything')])
    },
  )

  it('is asked by three words', () => {
    expect(faultsOf({ TASKLANE_AUTH: 'maybe' })).toBe(
      "TASKLANE_AUTH is 'maybe'; it takes auto, required or off (default auto).",
    )
    expect(read({ TASKLANE_AUTH: 'OFF' })).toMatchObject({ auth: { mode: 'off' }, warnings: [] })
  })
})

describe('SECRET_KEY', () => {
  const open = { host: '0.0.0.0' }

  it('is demanded where callers have to log in, with a way to make one', () => {
    expect(faultsOf({}, open)).toMatch(/^SECRET_KEY is missing.*openssl rand -hex 32.*TASKLANE_AUTH=off/)
  })

  it.each([
    ['secret', /6 bytes/],
    ['changeme', /8 bytes/],
    ['b3f1c9d2e4a7068859f1c3d7e9ab024', /31 bytes/],
    ['09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7', /tutorial/],
    ['your-secret-key-here-change-in-production', /placeholder/],
    ['django-insecure-#x1f9a0b3c7d5e2f4g6h8', /placeholder/],
    ['a'.repeat(64), /repeats/],
    ['0123456789'.repeat(4), /repeats/],
    ['abcabcdabcabcdabcabcdabcabcdabcabcd', /repeats/],
  ])('is refused where it is %s, and not repeated', (key, why) => {
    for (const name of ['SECRET_KEY', 'SECRET_KEY_PREVIOUS']) {
      const faults = faultsOf({ SECRET_KEY: goodKey, [name]: key }, open)
      expect(faults).toMatch(why)
      expect(faults).toMatch(new RegExp(`^${name} .*openssl rand`))
      expect(faults).not.toContain(key)
    }
  })

  it('is taken as `openssl rand` makes it, with the one before it', () => {
    for (const key of [goodKey, 'q2Y+8mKx1v0bT7cZ5nW3eR6uH9jL4pD/aFsGdVhBwEo=']) {
      expect(read({ SECRET_KEY: key, SECRET_KEY_PREVIOUS: otherKey }, open).auth.secret).toEqual({
        kind: 'given',
        key,
        previous: otherKey,
      })
    }
  })

  it('of a tutorial does not stop a node that asks nobody, and is not used', () => {
    const { auth, warnings } = read({ SECRET_KEY: 'secret' })
    expect(auth).toMatchObject({ mode: 'open', secret: { kind: 'kept' } })
    expect(warnings).toEqual([expect.stringMatching(/^SECRET_KEY has 6 bytes.* not used/)])
  })

  it('may come from a file, without its last line break', () => {
    const file = join(folder, 'key')
    writeFileSync(file, `${goodKey}\n`)
    expect(read({ SECRET_KEY_FILE: file }, open).auth.secret).toMatchObject({ key: goodKey })
    expect(faultsOf({ SECRET_KEY_FILE: file, SECRET_KEY: goodKey }, open)).toMatch(/both set/)
    expect(faultsOf({ SECRET_KEY_FILE: join(folder, 'none') }, open)).toMatch(/SECRET_KEY_FILE cannot be read.*ENOENT/)
    writeFileSync(file, '')
    expect(faultsOf({ SECRET_KEY_FILE: file }, open)).toMatch(/empty/)
  })

  it('is not looked at by what only works on the store', () => {
    expect(readStoreConfig({ env: { API_HOST: '0.0.0.0', SECRET_KEY: 'x', DATABASE_URL: 'memory:' } })).toEqual({
      kind: 'memory',
    })
  })
})

describe('the key that is kept', () => {
  const kept = () => read({ TASKLANE_AUTH: 'required' }).auth.secret

  it('is made once, beside the database, for its owner alone', () => {
    const secret = kept()
    expect(secret).toMatchObject({ kind: 'kept', file: join(folder, 'a.db.secret-key'), mayPass: false })
    const first = openSecrets(secret, systemClock)
    expect(first.key).toMatch(/^[0-9a-f]{64}$/)
    expect(statSync(join(folder, 'a.db.secret-key')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(folder, 'a.db.secret-key'), 'utf8')).toBe(`${first.key}\n`)
    expect(openSecrets(secret, systemClock)).toEqual(first)
  })

  it('is refused where others may read it, and where it is too short', () => {
    openSecrets(kept(), systemClock)
    const file = join(folder, 'a.db.secret-key')
    chmodSync(file, 0o640)
    expect(() => openSecrets(kept(), systemClock)).toThrow(/may be read by others \(mode 640\)/)
    chmodSync(file, 0o600)
    writeFileSync(file, 'short')
    expect(() => openSecrets(kept(), systemClock)).toThrow(SecretFileError)
  })

  it('stands in the state folder where there is no file beside it', () => {
    const env = { TASKLANE_AUTH: 'required', DATABASE_URL: 'postgresql://h/db', XDG_STATE_HOME: folder }
    const { secret } = readConfig({ env }).auth
    expect(secret).toMatchObject({ kind: 'kept', file: join(folder, 'tasklane', 'secret-key') })
    openSecrets(secret, systemClock)
    expect(statSync(join(folder, 'tasklane')).mode & 0o777).toBe(0o700)
  })

  it('may be of one run where nobody has to log in and it cannot be kept', () => {
    writeFileSync(join(folder, 'file'), '')
    const data = join(folder, 'file', 'a.db')
    const { secret } = read({}, { data }).auth
    expect(openSecrets(secret, systemClock).key).not.toBe(openSecrets(secret, systemClock).key)
    const required = read({ TASKLANE_AUTH: 'required' }, { data }).auth.secret
    expect(() => openSecrets(required, systemClock)).toThrow(/cannot be kept in .*Set SECRET_KEY/)
    // Users in memory go with the process, and their sessions with them.
    expect(readConfig({ env: { DATABASE_URL: 'memory:' } }).auth.secret).toEqual({ kind: 'passing' })
  })
})

describe('other settings of logins', () => {
  it('takes the variables of FastAPI templates', () => {
    const env = { ALGORITHM: 'HS256', ACCESS_TOKEN_EXPIRE_MINUTES: '60', SECRET_KEY: goodKey }
    expect(read(env).auth.tokenLifetimeMs).toBe(3_600_000)
    expect(read({}).auth.tokenLifetimeMs).toBe(1_800_000)
    expect(faultsOf({ ALGORITHM: 'RS256' })).toMatch(/ALGORITHM is 'RS256'; sessions are signed with HS256/)
    expect(faultsOf({ ALGORITHM: 'none' })).not.toBe('')
    expect(faultsOf({ ACCESS_TOKEN_EXPIRE_MINUTES: '0' })).not.toBe('')
  })

  it('never repeats the password of the first admin', () => {
    expect(read({ TASKLANE_ADMIN_PASSWORD: 'geheimes Wort' }).auth.adminPassword).toBe('geheimes Wort')
    expect(faultsOf({ TASKLANE_ADMIN_PASSWORD: 'geheim' })).toBe(
      'TASKLANE_ADMIN_PASSWORD: The password has 6 characters; it takes at least 8.',
    )
  })

  it('takes a token for all workers as it takes any other, and repeats none', () => {
    const token = `tl_${'aB3-_'.repeat(8)}xyz`
    expect(read({ TASKLANE_WORKER_TOKEN: token }).auth.workerToken).toBe(token)
    for (const wrong of ['geheim', token.slice(3), `${token}x`, token.replace('B', '+')]) {
      const faults = faultsOf({ TASKLANE_WORKER_TOKEN: wrong })
      expect(faults).toMatch(/TASKLANE_WORKER_TOKEN is no token.*openssl rand -base64 32/)
      expect(faults).not.toContain(wrong)
    }
  })

  it('keeps the audit log for 90 days unless told otherwise', () => {
    expect(read({}).auth.auditRetentionMs).toBe(90 * 86_400_000)
    expect(read({ TASKLANE_AUDIT_RETENTION: '60' }).auth.auditRetentionMs).toBe(60_000)
  })
})
