import { expect, it } from 'vitest'
import { auditQueryOf, isFiltered, readAdminSearch } from './search.ts'

it('reads what an address may say and leaves out the rest', () => {
  expect(readAdminSearch({ tab: 'audit', actor: 7, last: '24h', since: 'yesterday', other: 'x' })).toEqual({
    tab: 'audit',
    actor: '7',
    last: '24h',
  })
  expect(readAdminSearch({ tab: 'secrets', action: '', last: '3y' })).toEqual({})
})

it('knows a filter from a tab', () => {
  expect(isFiltered({ tab: 'audit' })).toBe(false)
  expect(isFiltered({ tab: 'audit', last: '1h' })).toBe(true)
})

it('asks for the same moment as long as a minute lasts', () => {
  const at = Date.parse('2026-01-31T12:00:10Z')
  const asked = auditQueryOf({ last: '1h', until: '2026-01-01T00:00:00Z' }, at)
  expect(asked).toEqual(auditQueryOf({ last: '1h' }, at + 49_000))
  expect(asked).toMatchObject({ since: '2026-01-31T11:00:00.000Z', until: undefined })
})
