import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TasklaneClient } from '@tasklane/sdk'
import { readConfig, startScheduler } from '@tasklane/server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findOpenssl, makePair } from '../../../test/support/certificates.ts'

const openssl = await findOpenssl()

describe.skipIf(openssl === null)('a scheduler behind HTTPS', () => {
  it('tells what is wrong with the address or the certificate, and the way out', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tasklane-tls-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
    makePair(String(openssl), files, 'tasks')
    const flags = { port: 0, tlsCert: files.cert, tlsKey: files.key }
    const scheduler = await startScheduler(readConfig({ env: { DATABASE_URL: 'memory:', LOG_LEVEL: 'silent' }, flags }))
    onTestFinished(() => scheduler.stop())
    expect(scheduler.url).toMatch(/^https:/)
    const failureOf = async (url: string): Promise<unknown> => {
      const client = new TasklaneClient({ url, retries: 0 })
      onTestFinished(() => client.close())
      return client.stats().catch((error: unknown) => error)
    }
    expect(await failureOf(scheduler.url)).toMatchObject({
      message: expect.stringMatching(
        /self-signed certificate \(name the file of its authority in NODE_EXTRA_CA_CERTS\)/,
      ),
    })
    expect(await failureOf(scheduler.url.replace('https:', 'http:'))).toMatchObject({
      code: 'request_invalid',
      detail: 'This port speaks HTTPS; write https:// instead of http://.',
    })
  })
})
