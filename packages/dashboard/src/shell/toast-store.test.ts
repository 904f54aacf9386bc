import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { dismiss, hold, shownToasts, toast, toastError } from './toast-store.ts'

const texts = () => shownToasts().map(({ text }) => text)

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  for (const { id } of shownToasts()) dismiss(id)
  vi.useRealTimers()
})

it('ends what went well after a while, and keeps what did not until it is dismissed', () => {
  toast('good', 'Done.')
  toastError(new Error('Refused.'))
  vi.advanceTimersByTime(3_900)
  expect(texts()).toEqual(['Done.', 'Refused.'])
  vi.advanceTimersByTime(200)
  expect(texts()).toEqual(['Refused.'])
  vi.advanceTimersByTime(3_600_000)
  expect(texts()).toEqual(['Refused.'])
})

it('ends nothing that is read or that nobody can see, and gives it its time again afterwards', () => {
  toast('good', 'Done.')
  vi.advanceTimersByTime(3_900)
  hold('pointer', true)
  hold('hidden', true)
  hold('pointer', false)
  vi.advanceTimersByTime(60_000)
  expect(texts()).toEqual(['Done.'])
  hold('hidden', false)
  vi.advanceTimersByTime(3_900)
  expect(texts()).toEqual(['Done.'])
  vi.advanceTimersByTime(200)
  expect(texts()).toEqual([])
})

it('is not held by a pointer that was above one that is gone', () => {
  toast('good', 'First.')
  hold('pointer', true)
  for (const { id } of shownToasts()) dismiss(id)
  toast('good', 'Second.')
  vi.advanceTimersByTime(4_100)
  expect(texts()).toEqual([])
})

it('shows the last four', () => {
  for (const n of [1, 2, 3, 4, 5]) toast('good', `Done ${n}.`)
  expect(texts()).toEqual(['Done 2.', 'Done 3.', 'Done 4.', 'Done 5.'])
})
