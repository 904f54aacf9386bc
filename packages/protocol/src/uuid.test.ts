import { expect, it } from 'vitest'
import { createUuidV7 } from './uuid.ts'

const format = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

function createMaker(nowMs: () => number, byte = 0xff): () => string {
  return createUuidV7(nowMs, bytes => bytes.fill(byte))
}

it('has the format of version 7, with the time in front', () => {
  const id = createMaker(() => 0x0123456789ab, 0x5a)()
  expect(id).toMatch(format)
  expect(id.slice(0, 13)).toBe('01234567-89ab')
  expect(createMaker(() => 1, 0)()).toBe('00000000-0001-7000-8000-000000000000')
  expect(createMaker(() => 1, 0xff)()).toBe('00000000-0001-7fff-bfff-ffffffffffff')
})

it('sorts as made, within a millisecond, over many of them, and when the clock goes back', () => {
  let now = 1_700_000_000_000
  let seed = 1
  const make = createUuidV7(
    () => now,
    bytes => {
      for (let at = 0; at < bytes.length; at += 1) {
        seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff
        bytes[at] = seed >> 16
      }
    },
  )
  const ids: string[] = []
  for (const step of [0, 0, 1, 5, -100, 0, 1, 200]) {
    now += step
    for (let count = 0; count < 3_000; count += 1) ids.push(make())
  }
  expect(ids.every(id => format.test(id))).toBe(true)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.toSorted()).toEqual(ids)
})

it('borrows from the next millisecond when a millisecond holds no more', () => {
  const make = createMaker(() => 1_000, 0xff)
  expect([make().slice(0, 18), make().slice(0, 18)]).toEqual(['00000000-03e8-7fff', '00000000-03e9-7000'])
})
