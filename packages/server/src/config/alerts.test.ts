import { describe, expect, it } from 'vitest'
import { ConfigError, type ConfigInput, readConfig } from '../config.ts'

const read = (env: ConfigInput['env']) => readConfig({ env: { DATABASE_URL: 'memory:', ...env } }).alerts

function faultsOf(env: ConfigInput['env']): string {
  try {
    read(env)
    return ''
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.join('\n')
    throw error
  }
}

describe('the settings of alerts', () => {
  it('know where people open the pages', () => {
    expect(read({}).publicUrl).toBeNull()
    expect(read({ TASKLANE_PUBLIC_URL: ' https://tasks.example/ ' }).publicUrl).toBe('https://tasks.example')
    expect(read({ TASKLANE_PUBLIC_URL: 'http://tasks.example:8000/under' }).publicUrl).toBe(
      'http://tasks.example:8000/under',
    )
    for (const url of [
      'tasks.example',
      'ftp://tasks.example',
      'https://tasks.example/?a',
      'https://a:b@tasks.example',
    ]) {
      expect(faultsOf({ TASKLANE_PUBLIC_URL: url }), url).toMatch(/^TASKLANE_PUBLIC_URL is/)
    }
  })

  it('allow hosts, addresses and networks', () => {
    const places = 'hooks.internal, 10.1.2.3,10.1.0.0/16,fd00::/8'
    expect(read({ TASKLANE_WEBHOOK_ALLOW: places }).webhookAllow).toEqual([
      'hooks.internal',
      '10.1.2.3',
      '10.1.0.0/16',
      'fd00::/8',
    ])
    for (const place of ['http://hooks.internal', '10.0.0.0/33', 'hooks.internal:80', '*', 'a b', '-a']) {
      expect(faultsOf({ TASKLANE_WEBHOOK_ALLOW: place }), place).toMatch(/^TASKLANE_WEBHOOK_ALLOW holds/)
    }
  })
})
