import type { AlertMessage } from '@tasklane/protocol'
import type { Courier, Delivery, Letter } from '../../src/ports/courier.ts'

/** A courier that goes nowhere, and keeps what it was given. */
export interface CourierDouble extends Courier {
  readonly letters: readonly Letter[]
  /** The messages, in words: `2 firing a, resolved b`. */
  told(): readonly string[]
  /** What comes back from now on; a function is asked for each letter, and may keep the answer waiting. */
  answer: Delivery | ((letter: Letter) => Promise<Delivery>)
}

export const taken: Delivery = Object.freeze({ kind: 'answered', status: 204, body: '' })

export function messageOf({ body }: Letter): AlertMessage {
  return JSON.parse(body) as AlertMessage // The engine wrote it.
}

export function createCourierDouble(): CourierDouble {
  const letters: Letter[] = []
  const courier: CourierDouble = {
    letters,
    answer: taken,
    told: () =>
      letters.map(letter =>
        messageOf(letter)
          .alerts.map(({ state, queue, worker_id, task_type }) => `${state} ${queue ?? worker_id ?? task_type}`)
          .join(', '),
      ),
    refusalOf: url => (url.includes('forbidden') ? `Nobody goes to ${url}.` : null),
    post: async letter => {
      letters.push(letter)
      return typeof courier.answer === 'function' ? courier.answer(letter) : courier.answer
    },
  }
  return courier
}
