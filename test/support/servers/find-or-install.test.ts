import { describe, expect, it } from 'vitest'
import { findOrInstall, type Machine, programOnPath } from './find-or-install.ts'

describe('what tests need', () => {
  it('is found without a word', async () => {
    const { machine, said, ran } = machineThat({ mayInstall: true })
    expect(await findOrInstall({ name: 'A server', packages: ['server'], find: () => 'here' }, machine)).toBe('here')
    expect([said, ran]).toEqual([[], []])
  })

  it('is installed after saying so, by a user who may', async () => {
    const { machine, said, ran } = machineThat({ mayInstall: true })
    const need = {
      name: 'A server',
      packages: ['server', 'server-tools'],
      find: () => (ran.length > 0 ? 'here' : null),
      beforeInstall: () => 'A file is written.',
    }
    expect(await findOrInstall(need, machine)).toBe('here')
    expect(ran).toEqual(['install server server-tools'])
    expect(said).toEqual([
      'A server is not on this machine: installing server server-tools with apt-get. No service is started. A file is written.',
    ])
  })

  it('is installed from fresh lists where the old ones do not know it', async () => {
    const { machine, ran } = machineThat({ mayInstall: true, refusals: ['Unable to locate package server'] })
    const need = { name: 'A server', packages: ['server'], find: () => (ran.length === 3 ? 'here' : null) }
    expect(await findOrInstall(need, machine)).toBe('here')
    expect(ran).toEqual(['install server', 'update', 'install server'])
  })

  it('is skipped with one sentence that says what to do', async () => {
    const { machine, said, ran } = machineThat({ mayInstall: false })
    const need = { name: 'A server', packages: ['server'], otherwise: 'set SERVER_URL', find: () => null }
    expect(await findOrInstall(need, machine)).toBeNull()
    expect(said).toEqual([
      'SKIPPED: Some tests need A server; install it (Debian: apt-get install server), or set SERVER_URL.',
    ])
    expect(ran).toEqual([])
  })

  it('is skipped with the reason of apt-get where that cannot help', async () => {
    const { machine, said } = machineThat({ mayInstall: true, refusals: ['no network', 'no network'] })
    expect(await findOrInstall({ name: 'A server', packages: ['server'], find: () => null }, machine)).toBeNull()
    expect(said.at(-1)).toContain('apt-get did not help: no network.')
  })

  it('fails the run instead of skipping where REQUIRE_ALL=1', async () => {
    const { machine } = machineThat({ mayInstall: false, env: { REQUIRE_ALL: '1' } })
    const asked = findOrInstall({ name: 'A server', packages: ['server'], find: () => null }, machine)
    await expect(asked).rejects.toThrow(/REQUIRE_ALL=1.*apt-get install server/)
  })
})

describe('a program', () => {
  it('is the first name in the path that starts', () => {
    expect(programOnPath('no-such-program-anywhere', 'node')).toMatch(/node$/)
    expect(programOnPath('no-such-program-anywhere')).toBeNull()
  })
})

/** @param refusals what apt-get says, call by call, until it has no more to complain of */
function machineThat(traits: { mayInstall: boolean; refusals?: string[]; env?: Record<string, string> }) {
  const said: string[] = []
  const ran: string[] = []
  const refusals = [...(traits.refusals ?? [])]
  const machine: Machine = {
    env: traits.env ?? {},
    mayInstall: () => traits.mayInstall,
    aptGet: async (...args) => {
      ran.push(args.join(' '))
      return refusals.shift() ?? null
    },
    say: line => said.push(line),
  }
  return { machine, said, ran }
}
