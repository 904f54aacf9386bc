import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isFinished, type TaskState, taskStates } from '@tasklane/protocol'
import { expect, it } from 'vitest'
import { allows, type TransitionName, transitions } from './lifecycle.ts'

const page = readFileSync(join(import.meta.dirname, '../../../../docs/lifecycle.md'), 'utf8')
const names = Object.keys(transitions) as TransitionName[] // The keys of the table are its names.

it('reaches every state from the beginning, and the end from every finished one', () => {
  const reached = new Set<TaskState | 'none'>(['none'])
  for (let round = 0; round < names.length; round += 1) {
    for (const { from, to } of Object.values(transitions)) {
      if (from.some(state => reached.has(state))) for (const state of to) reached.add(state)
    }
  }
  expect([...reached].sort()).toEqual([...taskStates, 'none'].sort())
  for (const state of taskStates.filter(isFinished)) expect(allows('prune', state)).toBe(true)
})

it('leaves a finished state by requeue and prune only, and never a completed one but by prune', () => {
  for (const state of taskStates.filter(isFinished)) {
    const ways = names.filter(name => allows(name, state))
    expect(ways).toEqual(state === 'completed' ? ['prune'] : ['requeue', 'prune'])
  }
})

it('starts to run by a claim only, from pending only', () => {
  const ways = names.filter(name => transitions[name].to.includes('running') && !allows(name, 'running'))
  expect(ways).toEqual(['claim'])
  expect(transitions.claim.from).toEqual(['pending'])
})

it('is told by the table of docs/lifecycle.md word by word', () => {
  const rows = names.map(name => {
    const { from, to, by, guard } = transitions[name]
    return `| ${name.replaceAll('_', ' ')} | ${from.join(', ')} | ${to.join(', ')} | ${by} | ${guard} |`
  })
  const told = page.split('\n').filter(line => rows.some(row => row.split('|')[1] === line.split('|')[1]))
  expect(told).toEqual(rows)
})

it('is drawn by the diagram of docs/lifecycle.md step by step', () => {
  const drawn = [...page.matchAll(/^ {2}(\S+) --> (\S+):/gm)].map(([, from, to]) => `${from} → ${to}`)
  const known = Object.values(transitions).flatMap(({ from, to }) =>
    from.flatMap(one => to.map(two => `${one === 'none' ? '[*]' : one} → ${two === 'none' ? '[*]' : two}`)),
  )
  // What only rewrites a waiting row is no step to draw.
  const waiting = ['blocked', 'scheduled', 'pending']
  const steps = new Set(known.filter(step => !isRewrite(step, waiting)))
  expect([...new Set(drawn)].sort()).toEqual([...steps].sort())
})

/** Reprioritise is the one transition whose table lists waiting states on both sides without meaning all pairs. */
function isRewrite(step: string, waiting: readonly string[]): boolean {
  const [from = '', to = ''] = step.split(' → ')
  const isWaitingBoth = waiting.includes(from) && waiting.includes(to)
  const isStep = (from === 'blocked' && to !== 'blocked') || (from === 'scheduled' && to === 'pending')
  return (isWaitingBoth && !isStep) || (waiting.includes(from) && to === 'running' && from !== 'pending')
}
