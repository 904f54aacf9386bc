import { afterEach, beforeEach, expect, it } from 'vitest'
import { ask, type Desk, openDesk } from './desk.ts'

let desk: Desk
let before: string | undefined
const happened: string[] = []
const offers = {
  server: async () => {
    happened.push('started')
    return {
      answer: { url: 'there' },
      close: async () => {
        happened.push('closed')
      },
    }
  },
  broken: () => Promise.reject(new Error('it does not start')),
}

beforeEach(async () => {
  before = process.env.TASKLANE_TEST_DESK
  happened.length = 0
  desk = await openDesk(offers)
})
afterEach(async () => {
  await desk.close()
  if (before !== undefined) process.env.TASKLANE_TEST_DESK = before
})

it('starts nothing before somebody asks', async () => {
  await desk.close()
  expect(happened).toEqual([])
})

it('gives everybody who asks the same, and closes it at the end', async () => {
  // Whoever asks knows only where the desk is.
  const answers = await Promise.all([ask({}, 'server'), ask({}, 'server')])
  expect(answers).toEqual([{ url: 'there' }, { url: 'there' }])
  expect(happened).toEqual(['started'])
  await desk.close()
  expect(happened).toEqual(['started', 'closed'])
})

it('tells everybody what went wrong', async () => {
  await expect(ask({}, 'broken')).rejects.toThrow('it does not start')
  await expect(ask({}, 'unheard_of')).rejects.toThrow("Nobody offers 'unheard_of'.")
})

it('answers nobody who does not know its word', async () => {
  const { origin } = new URL(process.env.TASKLANE_TEST_DESK ?? '')
  expect((await fetch(`${origin}/server`)).status).toBe(500)
  expect(happened).toEqual([])
})
