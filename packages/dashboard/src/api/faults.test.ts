import type { ProblemBody } from '@tasklane/protocol'
import { expect, it } from 'vitest'
import { ApiError } from './api-error.ts'
import { faultsOf } from './faults.ts'

function refusal(pointers: readonly string[], code: ProblemBody['code'] = 'validation_failed'): ApiError {
  const errors = pointers.map(pointer => ({ pointer, detail: `${pointer} is wrong.` }))
  const problem = {
    type: '',
    title: '',
    status: 422,
    detail: 'All of it.',
    code,
    request_id: 'r',
    errors,
  } as const
  return new ApiError(422, 'All of it.', problem)
}

it('says at a field what is said of it, or of an entry of its list', () => {
  expect(faultsOf(refusal(['/name', '/queues/3']), ['name', 'queues'])).toEqual({
    of: { name: '/name is wrong.', queues: '/queues/3 is wrong.' },
    rest: null,
  })
})

it('says above the form what no field of it is meant by', () => {
  expect(faultsOf(refusal(['/name', '/other']), ['name'])).toEqual({
    of: { name: '/name is wrong.' },
    rest: 'All of it.',
  })
  expect(faultsOf(new Error('No network'), ['name'])).toEqual({ of: {}, rest: 'No network' })
})

it('says at the name that somebody else has it', () => {
  const taken = refusal([], 'user_exists')
  expect(faultsOf(taken, ['name', 'password'])).toEqual({ of: { name: 'All of it.' }, rest: null })
  expect(faultsOf(taken, ['password'])).toEqual({ of: {}, rest: 'All of it.' })
})
